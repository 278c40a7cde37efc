package porttest

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Forms returns the forms in which a secret may be found where it must not be: as it is, in
// hexadecimal, and as it looks in base64 of something longer, wherever in it the secret begins. A
// provider's message id is such base64, with the person's number in it. The secret has 5 bytes at least.
func Forms(secret string) []string {
	plain := hex.EncodeToString([]byte(secret))
	forms := []string{secret, plain, strings.ToUpper(plain)}
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
		// The first and the last characters depend on what stands beside the secret.
		first, last := (8*before+5)/6, 8*(before+len(secret))/6
		forms = append(forms, encoded[first:last])
	}
	return forms
}

// Found returns those of the secrets that text holds in any of their forms.
func Found(text string, secrets ...string) []string {
	var found []string
	for _, s := range secrets {
		for _, form := range Forms(s) {
			if strings.Contains(text, form) {
				found = append(found, s)
				break
			}
		}
	}
	return found
}
