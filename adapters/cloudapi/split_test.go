package cloudapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline"
)

// TestSplit: what is about several people is one body of each, and what is about one stays as it came.
func TestSplit(t *testing.T) {
	const envelope = `{"object":"whatsapp_business_account","of tomorrow":[1.50],"entry":[{"id":"102290129340398","time":1739321024,"changes":[%s]}]}`
	const change = `{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}%s}}`
	message := func(from, id string) string {
		return fmt.Sprintf(`{"from":"%s", "id":"wamid.%s","timestamp":"1749416383","type":"text","text":{"body":"\u006aa"}}`, from, id)
	}
	status := func(to, id string) string {
		return fmt.Sprintf(`{"id":"wamid.%s","status":"sent","timestamp":"1749416383","recipient_id":"%s"}`, id, to)
	}
	const ann, bob, cem = "15550100123", "15550100124", "15550100125"
	contact := func(number, user string) string { return fmt.Sprintf(`{"wa_id":"%s","user_id":"%s"}`, number, user) }
	in := func(changes ...string) string { return fmt.Sprintf(envelope, strings.Join(changes, ",")) }
	of := func(members string) string { return fmt.Sprintf(change, members) }
	const template = `{"field":"message_template_status_update","value":{"event":"PAUSED"}}`
	both := of(`,"contacts":[` + contact(ann, "US.1") + `,` + contact(bob, "US.2") + `,` + contact(cem, "US.3") + `],"messages":[` +
		message(ann, "1") + `,` + message(bob, "2") + `, ` + message(ann, "3") + `,{"from_user_id":"US.2","id":"wamid.4","timestamp":"1","type":"text"}]`)
	for _, c := range []struct {
		name string
		body string
		want []string // nothing where it stays as it is
	}{
		{"of one", in(of(`,"messages":[`+message(ann, "1")+`]`), of(`,"statuses":[`+status(ann, "2")+`]`)), nil},
		{"of one, and of nobody", in(of(`,"messages":[`+message(ann, "1")+`]`), template), nil},
		{"of nobody", in(template, of(`,"errors":[{"code":131035}]`)), nil},
		{"of two, in one change", in(both), []string{
			in(of(`,"contacts":[` + contact(ann, "US.1") + `,` + contact(cem, "US.3") + `],"messages":[` + message(ann, "1") + `,` + message(ann, "3") + `]`)),
			in(of(`,"contacts":[` + contact(bob, "US.2") + `,` + contact(cem, "US.3") + `],"messages":[` + message(bob, "2") + `,{"from_user_id":"US.2","id":"wamid.4","timestamp":"1","type":"text"}]`)),
		}},
		{"of two, in changes of their own", in(of(`,"statuses":[`+status(ann, "1")+`]`), of(`,"messages":[`+message(bob, "2")+`]`), of(`,"messages":[`+message(ann, "3")+`]`)),
			[]string{in(of(`,"statuses":[`+status(ann, "1")+`]`), of(`,"messages":[`+message(ann, "3")+`]`)), in(of(`,"messages":[` + message(bob, "2") + `]`))}},
		{"of two and of nobody", in(of(`,"statuses":[`+status(ann, "1")+`,`+status(bob, "2")+`],"errors":[{"code":131035}]`), template), []string{
			in(of(`,"statuses":[` + status(ann, "1") + `]`)), in(of(`,"statuses":[` + status(bob, "2") + `]`)), in(of(`,"errors":[{"code":131035}]`), template),
		}},
		{"not as Meta makes them", in(of(`,"messages":{"a":` + message(ann, "1") + `},"statuses":[` + status(bob, "2") + `,` + status(cem, "3") + `]`)), nil},
		{"no JSON", "no JSON", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			parts := open(t, "").Split([]byte(c.body))
			want := c.want
			if want == nil {
				want = []string{c.body}
			}
			keys := map[string]bool{}
			var got []string
			for _, p := range parts {
				keys[p.Key] = true
				got = append(got, string(p.Body))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if len(keys) != len(parts) {
				t.Error("two people have one key")
			}
		})
	}
}

// TestSplitKeepsPeopleInOrder: a person has the same key in every body.
func TestSplitKeepsPeopleInOrder(t *testing.T) {
	receiver := open(t, "")
	several := receiver.Split(joined(t))
	known := map[string]bool{}
	for _, p := range several {
		known[p.Key] = true
	}
	if len(several) < 3 || !known[receiver.Split(stored(t, "text"))[0].Key] {
		t.Errorf("%d people, and who wrote before is not among them", len(several))
	}
	const ann, bob = `"from":"15550100123",`, `"from":"15550100124",`
	in := func(contacts string, messages ...string) []byte {
		for i, m := range messages {
			messages[i] = fmt.Sprintf(`{%s"id":"wamid.%d","timestamp":"1749416383"}`, m, i)
		}
		return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"contacts":[%s],"messages":[%s]}}]}]}`,
			contacts, strings.Join(messages, ","))
	}
	for name, c := range map[string]struct{ contacts, message string }{
		"by the number":           {"", ann},
		"by an id of that number": {`{"wa_id":"15550100123","user_id":"US.1"}`, `"from_user_id":"US.1",`},
		"by the id":               {"", `"from_user_id":"US.1",`},
		"by the id before": {`{"wa_id":"15550100123","user_id":"US.1"}`,
			`"type":"system","system":{"type":"user_changed_user_id","previous_user_id":"US.1","user_id":"US.9"},`},
		"by no number but the id before": {"", `"type":"system","system":{"previous_user_id":"US.1","user_id":"US.9"},`},
	} {
		alone, among := receiver.Split(in(c.contacts, c.message)), receiver.Split(in(c.contacts, bob, c.message))
		if len(alone) != 1 || len(among) != 2 || alone[0].Key != among[1].Key || alone[0].Key == "" {
			t.Errorf("%s: another key alone than among others", name)
		}
	}
}

func stored(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/webhooks/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// joined is a body of all that the fixtures have.
func joined(t testing.TB) []byte {
	t.Helper()
	files, _ := filepath.Glob("testdata/webhooks/*.json")
	var entries []string
	for _, file := range files {
		var body struct{ Entry []json.RawMessage }
		if raw := stored(t, strings.TrimSuffix(filepath.Base(file), ".json")); json.Unmarshal(raw, &body) == nil && len(open(t, "").Split(raw)) > 0 {
			for _, e := range body.Entry {
				if one := (struct {
					Changes []struct{ Value map[string]json.RawMessage }
				}{}); json.Unmarshal(e, &one) == nil {
					entries = append(entries, string(e))
				}
			}
		}
	}
	return []byte(`{"object":"whatsapp_business_account","entry":[` + strings.Join(entries, ",") + `]}`)
}

// splitHolds checks that nothing is lost or told twice by splitting, and that each person's updates stay in order.
func splitHolds(t *testing.T, r *cloudapi.Client, body []byte) {
	t.Helper()
	parts := r.Split(body)
	if len(parts) == 1 {
		if !bytes.Equal(parts[0].Body, body) {
			t.Error("what is about one person does not stay as it came")
		}
		return
	}
	whole, err := r.Parse(body, received)
	if err != nil {
		t.Fatalf("what cannot be read was split: %v", err)
	}
	var all pipeline.Updates
	for _, p := range parts {
		u, err := r.Parse(p.Body, received)
		if err != nil {
			t.Fatalf("a part cannot be read: %v", err)
		}
		all.Replies, all.Receipts, all.Templates, all.Others = append(all.Replies, u.Replies...), append(all.Receipts, u.Receipts...),
			append(all.Templates, u.Templates...), append(all.Others, u.Others...)
	}
	ids := map[string]bool{}
	for _, r := range all.Replies {
		if ids[r.ID] {
			return // one message of two people: the ledger hears one of them, whichever comes first
		}
		ids[r.ID] = true
	}
	for _, r := range all.Receipts {
		id := r.MessageID + string(r.State) + r.At.String()
		if ids[id] {
			return
		}
		ids[id] = true
	}
	lines := func(u pipeline.Updates) []string {
		var list []string
		for _, r := range u.Replies {
			list = append(list, string(render(pipeline.Updates{Replies: []pipeline.Reply{r}})))
		}
		for _, r := range u.Receipts {
			list = append(list, string(render(pipeline.Updates{Receipts: []pipeline.Receipt{r}})))
		}
		for _, r := range u.Templates {
			list = append(list, string(render(pipeline.Updates{Templates: []pipeline.TemplateUpdate{r}})))
		}
		slices.Sort(list)
		others := slices.Clone(u.Others)
		slices.Sort(others)
		return append(list, slices.Compact(others)...)
	}
	if got, want := lines(all), lines(whole); !slices.Equal(got, want) {
		t.Errorf("the parts say\n%s\nand the whole\n%s", got, want)
	}
}

func TestSplitLosesNothing(t *testing.T) {
	r := open(t, "")
	splitHolds(t, r, joined(t))
	if n := len(r.Split(joined(t))); n < 3 {
		t.Errorf("%d parts; the fixtures are about more people", n)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"contacts":[{"wa_id":"15550100124"}],` +
		`"messages":[{"from":"15550100123","id":"a","type":"text"},{"from":"15550100124","id":"b","type":"text"}],"errors":[{"code":1}]}}]}]}`))
	r := open(f, "")
	f.Fuzz(func(t *testing.T, body []byte) { splitHolds(t, r, body) })
}
