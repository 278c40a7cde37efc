package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// people are what WhatsApp knows of users beside their numbers.
type people struct {
	keys bool // the business checks identity keys
	mu   sync.Mutex
	of   map[string]*persona
}

// persona is one user. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids and
// https://developers.facebook.com/documentation/business-messaging/whatsapp/identity-change.
type persona struct {
	hidden  bool // has a username: the business is not told the number
	devices int  // each makes a new identity key
}

func (p *people) get(number string) persona {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.of[number]; one != nil {
		return *one
	}
	return persona{}
}

func (p *people) change(number string, f func(*persona)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[string]*persona{}
	}
	if p.of[number] == nil {
		p.of[number] = &persona{}
	}
	f(p.of[number])
}

// shown is a number as the business is told it: "" of who has a username.
func (p *people) shown(number string) string {
	if p.get(number).hidden {
		return ""
	}
	return number
}

// key is the identity key of a user; "" unless the business checks them.
func (p *people) key(number string) string {
	if !p.keys {
		return ""
	}
	return fmt.Sprintf("KEY%s/%d=", number, p.get(number).devices)
}

// stranger reports whether a message was for somebody with another key than its recipient has.
func (p *people) stranger(m ReceivedMessage) bool {
	return p.keys && m.IdentityKey != "" && m.IdentityKey != p.key(m.To)
}

// contact is what a webhook tells of a user.
func (p *people) contact(number string) *contactUpdate {
	return &contactUpdate{WaID: p.shown(number), UserID: userID(number), Identity: p.key(number)}
}

// userID is the business-scoped id of a user, one per number.
// See https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids.
func userID(number string) string { return fmt.Sprintf("US.7%017s", number) }

// numberOf is the number of a user with that id, "" if it is none of ours.
func numberOf(user string) string {
	number, ok := strings.CutPrefix(user, "US.7")
	if !ok {
		return ""
	}
	return strings.TrimLeft(number, "0")
}

// UserID returns the business-scoped id of the user.
func (p *Phone) UserID() string { return userID(p.number) }

// Hide gives the user a username: webhooks and answers have the id and not the number any more.
func (p *Phone) Hide() { p.w.people.change(p.number, func(one *persona) { one.hidden = true }) }

// ChangeDevice is another phone with the same number, of the same user or of a new one: the identity key is another.
func (p *Phone) ChangeDevice() { p.w.people.change(p.number, func(one *persona) { one.devices++ }) }

// ChangeNumber is what a user does who takes the account along to another number. The business is told so, by the old one.
// See https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system.
func (p *Phone) ChangeNumber(to string) *Phone {
	next := p.w.Phone(to)
	p.system(map[string]any{
		"body": "User Patient changed from " + p.number + " to " + next.number, "wa_id": next.number, "user_id": userID(next.number), "type": "user_changed_number",
	})
	return next
}

// ChangeIdentity is the system message of older webhooks about another identity key.
func (p *Phone) ChangeIdentity() {
	p.ChangeDevice()
	p.system(map[string]any{
		"body": "User Patient's security code changed", "identity": "new", "customer": p.number, "type": "customer_identity_changed",
	})
}

// system posts a message of WhatsApp's own about the user: there are no contacts in it.
func (p *Phone) system(about map[string]any) {
	p.w.mu.Lock()
	id, at := p.w.wamid(p.number, incoming), strconv.FormatInt(p.w.cfg.Clock().Unix(), 10)
	p.w.mu.Unlock()
	p.w.out.put(update{field: "messages", body: mustJSON(map[string]any{
		"from": p.number, "id": id, "timestamp": at, "type": "system", "system": about,
	})})
}
