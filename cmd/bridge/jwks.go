package main

import (
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"fhirbridge/adapters/fhirserver"
)

// jwksPath is where FHIR servers find the public keys with which they verify us.
const jwksPath = "/.well-known/jwks.json"

// jwks answers with the keys as they are now, so that a server which reads them again knows the next one before it signs.
func (a *app) jwks(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = w.Write(a.server.JWKS()) // where the server is gone, nobody is left to tell
}

func jwksCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "jwks", Short: "Print the public keys of fhir.auth, for servers that want them as a file", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := load(file, forCheck)
			if err != nil {
				return err
			}
			if c.FHIR.Server.BaseURL == "" {
				return errNoKeys
			}
			server, err := fhirserver.New(c.FHIR.Server)
			if err != nil {
				return err
			}
			set := server.JWKS()
			if set == nil {
				return errNoKeys
			}
			cmd.Println(string(set))
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "bridge.yaml", "configuration file")
	return cmd
}

var errNoKeys = errors.New("fhir.auth.type is not smart: there are no keys")
