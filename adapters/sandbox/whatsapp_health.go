package sandbox

import "net/http"

// serveHealth says that the number can send, or what Meta says otherwise; see
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/health-status.
func (w *WhatsApp) serveHealth(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("fields") != "health_status" {
		w.refuse(rw, refusal(100, "Only the field health_status is served here."))
		return
	}
	state := w.cfg.CanSend
	entities := []map[string]any{
		{"entity_type": "PHONE_NUMBER", "id": w.cfg.PhoneNumberID, "can_send_message": state},
		{"entity_type": "WABA", "id": w.cfg.WABAID, "can_send_message": "AVAILABLE"},
	}
	if state != "AVAILABLE" {
		entities[0]["errors"] = []map[string]any{{
			"error_code": 141006, "error_description": "There is an error with your payment method.", "possible_solution": "Add a new one.",
		}}
	}
	writeJSON(rw, http.StatusOK, map[string]any{
		"id": w.cfg.PhoneNumberID, "health_status": map[string]any{"can_send_message": state, "entities": entities},
	})
}
