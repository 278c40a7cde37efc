package sandbox

import (
	"cmp"
	"net/http"
)

// serveTyntecHealth says how the number is, and what is configured for it and for the account; see
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/configurations.yaml and whatsapp.yaml beside it.
func (w *WhatsApp) serveTyntecHealth(rw http.ResponseWriter, path string) {
	t := w.cfg.Tyntec
	number := map[string]string{"phoneNumber": w.cfg.DisplayNumber}
	switch {
	case path == "channels/whatsapp/phone-numbers/"+w.cfg.DisplayNumber && !t.SMS:
		writeJSON(rw, http.StatusOK, map[string]any{
			"phoneNumber": w.cfg.DisplayNumber, "displayPhoneNumber": "+" + w.cfg.DisplayNumber, "verifiedName": "Harbour Hospital",
			"qualityRating": cmp.Or(t.Quality, "GREEN"), "status": cmp.Or(t.Status, "CONNECTED"), "whatsAppAccountId": w.cfg.WABAID,
			"businessMessagingLimit": "TIER_10K", "nameStatus": "APPROVED", "isOfficialBusinessAccount": false,
		})
	case path == "configurations/channels/sms" && t.SMS:
		writeJSON(rw, http.StatusOK, []any{map[string]any{"channel": "sms", "scopes": []string{"messages:write"}, "id": number}})
	case t.Scopeless:
		w.problem(rw, http.StatusForbidden, "", "")
	case path == "configurations":
		writeJSON(rw, http.StatusOK, map[string]any{"scopes": []string{"channels:read", "callbacks:read"}, "callback": w.tyntecCallbacks()})
	case path == "configurations/channels/whatsapp/phone-numbers/"+w.cfg.DisplayNumber:
		writeJSON(rw, http.StatusOK, map[string]any{"channel": "whatsapp", "scopes": []string{"messages:write"}, "id": number})
	default:
		w.problem(rw, http.StatusNotFound, "", "")
	}
}

// tyntecCallbacks are the callbacks of the account.
func (w *WhatsApp) tyntecCallbacks() map[string]any {
	t, to := w.cfg.Tyntec, "https://bridge.example.org/webhooks/main"
	if t.Callbacks != nil {
		return t.Callbacks
	}
	all := map[string]any{
		"callbackVersion": "2.13", "inboundMessageUrl": to, "messageStatusUrl": to, "businessNotificationUrl": to, "eventFilter": []string{},
	}
	if t.Secret != "" {
		method := "HS256"
		if t.LongHash {
			method = "HS512"
		}
		all["signature"] = map[string]string{"secret": t.Secret, "method": method}
	}
	if t.Header != "" {
		all["header"] = map[string]string{"key": t.Header, "value": t.Token}
	}
	return all
}
