package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"time"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/fhir"
)

// visit is one appointment of the morning.
type visit struct {
	id, patient, status string
	start               time.Time
	place               string
}

func (v visit) json() []byte {
	cancelled := ""
	if v.status == "cancelled" {
		cancelled = `"cancelationReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason","code":"prov"}]},`
	}
	return fmt.Appendf(nil, `{"resourceType":"Appointment","id":%q,"status":%q,%s"start":%q,"end":%q,"participant":[`+
		`{"actor":{"reference":"Patient/%s"},"status":"needs-action"},`+
		`{"actor":{"reference":"Location/%s"},"status":"accepted"},`+
		`{"actor":{"reference":"Practitioner/dr-okafor","display":"Dr. Ngozi Okafor"},"status":"accepted"}]}`,
		v.id, v.status, cancelled, v.start.Format(time.RFC3339), v.start.Add(30*time.Minute).Format(time.RFC3339), v.patient, v.place)
}

// people are invented, their numbers reserved for fiction.
var people = []string{
	`{"resourceType":"Patient","id":"amara","name":[{"use":"official","family":"Lindqvist","given":["Amara"]}],"telecom":[{"system":"phone","use":"mobile","value":"+1 555 0100 101"}],"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"en"}]},"preferred":true}]}`,
	`{"resourceType":"Patient","id":"jonas","name":[{"use":"official","family":"Muster","given":["Jonas"]}],"telecom":[{"system":"phone","use":"mobile","value":"+1 555 0100 102"}],"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"de"}]},"preferred":true}]}`,
	`{"resourceType":"Patient","id":"lucia","name":[{"use":"official","family":"Ejemplo","given":["Lucía"]}],"telecom":[{"system":"phone","use":"mobile","value":"+1 555 0100 103"}],"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"es"}]},"preferred":true}]}`,
	`{"resourceType":"Patient","id":"samir","name":[{"use":"official","family":"Mithal","given":["سمير"]}],"telecom":[{"system":"phone","use":"mobile","value":"+1 555 0100 104"}],"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"ar"}]},"preferred":true}]}`,
	`{"resourceType":"Location","id":"house-2","status":"active","name":"House 2, first floor","address":{"line":["Quay Street 7"],"city":"Harbour"}}`,
	`{"resourceType":"Practitioner","id":"dr-okafor","name":[{"prefix":["Dr."],"family":"Okafor","given":["Ngozi"]}]}`,
}

// phoneOf is whose phone rings.
var phoneOf = map[string]string{"amara": "+15550100101", "jonas": "+15550100102", "lucia": "+15550100103", "samir": "+15550100104"}

// scene is one thing that happens in the morning.
type scene struct {
	says string
	do   func(context.Context) error
}

// morning plays a short morning at the hospital's desk.
func (d *demo) morning(ctx context.Context) error {
	d.screen.scene("The EHR's patients, places and clinicians come first.")
	for _, r := range people {
		if err := d.ehrWrites(ctx, []byte(r)); err != nil {
			return err
		}
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return err
	}
	for _, s := range append(d.desk(time.Now().In(zone)), d.laboratory(), d.faults()) {
		d.screen.scene(s.says)
		if err := s.do(ctx); err != nil {
			return err
		}
		if err := d.quiet(ctx); err != nil {
			return err
		}
	}
	return nil
}

// desk books, moves and cancels, from ten days after now on.
func (d *demo) desk(now time.Time) []scene {
	at := func(days, hour, minute int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+10+days, hour, minute, 0, 0, now.Location())
	}
	first := visit{id: "visit-1", patient: "amara", status: "booked", start: at(0, 9, 30), place: "house-2"}
	second := visit{id: "visit-2", patient: "jonas", status: "booked", start: at(1, 14, 0), place: "house-2"}
	third := visit{id: "visit-3", patient: "lucia", status: "booked", start: at(2, 11, 15), place: "house-2"}
	moved, cancelled := second, third
	moved.start, cancelled.status = at(3, 8, 15), "cancelled"
	return []scene{
		{"The desk books Amara's appointment. She taps the first button.", func(ctx context.Context) error {
			return d.books(ctx, first.json(), "amara", func(p *sandbox.Phone, m sandbox.ReceivedMessage) { d.tap(p, m, 0) })
		}},
		{"Jonas gets an appointment, and it is moved before he answers. He answers in words.", func(ctx context.Context) error {
			if err := d.books(ctx, second.json(), "jonas", nil); err != nil {
				return err
			}
			return d.books(ctx, moved.json(), "jonas", func(p *sandbox.Phone, _ sandbox.ReceivedMessage) { d.write(p, "Ja, ich komme") })
		}},
		{"Lucía's appointment is booked, then cancelled by the hospital. She asks a question.", func(ctx context.Context) error {
			if err := d.books(ctx, third.json(), "lucia", nil); err != nil {
				return err
			}
			return d.books(ctx, cancelled.json(), "lucia", func(p *sandbox.Phone, _ sandbox.ReceivedMessage) {
				d.write(p, "¿Puede ser otro día de esa semana?")
			})
		}},
	}
}

// laboratory signs a report.
func (d *demo) laboratory() scene {
	report := `{"resourceType":"DiagnosticReport","id":"lab-1","status":"final","code":{"text":"Laboratory report"},` +
		`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB"}]}],` +
		`"subject":{"reference":"Patient/samir"},"resultsInterpreter":[{"reference":"Practitioner/dr-okafor"}],"issued":"` + time.Now().UTC().Format(time.RFC3339) + `"}`
	return scene{"The laboratory signs a report. Samir hears that it is ready, and nothing of what is in it.", func(ctx context.Context) error {
		return d.books(ctx, []byte(report), "samir", nil)
	}}
}

// faults are what a feed does at times.
func (d *demo) faults() scene {
	return scene{"The feed repeats an event, and brings one that is no FHIR.", func(ctx context.Context) error {
		again, _ := d.ehr.Resource("Appointment/visit-1")
		d.screen.event("Appointment/visit-1", "2 again", again)
		if err := d.publish(ctx, "Appointment/visit-1", again); err != nil {
			return err
		}
		d.screen.event("Appointment/visit-9", "", []byte(`{"status":"booked, without a start"}`))
		return d.publish(ctx, "Appointment/visit-9", []byte(`{"resourceType":"Appointment","id":"visit-9","status":"booked"}`))
	}}
}

// ehrWrites stores a resource in the EHR's FHIR server and puts the change on the feed.
func (d *demo) ehrWrites(ctx context.Context, raw []byte) error {
	if err := d.ehr.Seed(raw); err != nil {
		return err
	}
	return d.forward(ctx)
}

// forward puts what changed in the EHR on the feed, as its own event publisher would.
func (d *demo) forward(ctx context.Context) error {
	for {
		select {
		case c := <-d.changes:
			if c.Type == "Communication" || c.Type == "Task" || c.Type == "AppointmentResponse" {
				continue // this feed carries what the hospital does, not what the bridge wrote
			}
			d.screen.event(c.Ref(), c.Version, c.Raw)
			if err := d.publish(ctx, c.Ref(), c.Raw); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// books lets the EHR write, waits for the patient's phone, and lets the patient answer.
func (d *demo) books(ctx context.Context, raw []byte, who string, answer func(*sandbox.Phone, sandbox.ReceivedMessage)) error {
	before := d.screen.has(phoneOf[who])
	if err := d.ehrWrites(ctx, raw); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	for d.screen.has(phoneOf[who]) == before {
		select {
		case <-ctx.Done():
			return fmt.Errorf("no message came: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
	phone := d.whatsapp.Phone(phoneOf[who])
	if last, ok := phone.Last(); ok && answer != nil {
		answer(phone, last)
	}
	return nil
}

func (d *demo) tap(p *sandbox.Phone, m sandbox.ReceivedMessage, button int) {
	d.screen.patient(p.Number(), "taps ["+m.Buttons[button].Title+"]")
	if _, err := p.Tap(m.ID, button); err != nil {
		d.screen.note(err.Error())
	}
}

func (d *demo) write(p *sandbox.Phone, words string) {
	d.screen.patient(p.Number(), "writes “"+words+"”")
	p.Write(words)
}

// playFiles feeds the user's own files: a resource or Bundle is one record, NDJSON one a line.
func (d *demo) playFiles(ctx context.Context) error {
	for _, file := range d.files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		records := [][]byte{bytes.TrimSpace(raw)}
		if !json.Valid(raw) {
			records = bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
		}
		for _, record := range records {
			if len(bytes.TrimSpace(record)) == 0 {
				continue
			}
			_ = d.ehr.Seed(record) // so that answers can be written into it; what it refuses is still an event
			for len(d.changes) > 0 {
				<-d.changes
			}
			key, label := "", filepath.Base(file)
			if h, err := fhir.Peek(record); err == nil {
				label = h.Type
				if h.ID != "" {
					key, label = h.Ref(), h.Ref()
				}
			}
			d.screen.event(label, "", record)
			if err := d.publish(ctx, key, record); err != nil {
				return err
			}
		}
	}
	return d.answerAll(ctx)
}

// answerAll lets every patient tap the first button of each message that has one: those who are known before
// the others are waited for.
func (d *demo) answerAll(ctx context.Context) error {
	answered := 0
	for {
		if err := d.until(ctx, d.moving); err != nil {
			return err
		}
		all := d.whatsapp.Accepted()
		if len(all) == answered {
			if err := d.quiet(ctx); err != nil {
				return err
			}
			if all = d.whatsapp.Accepted(); len(all) == answered {
				return nil
			}
		}
		for _, m := range all[answered:] {
			if len(m.Buttons) > 0 {
				d.tap(d.whatsapp.Phone(m.To), m, 0)
			}
		}
		answered = len(all)
	}
}

// approved are our templates as Meta's API lists them.
func approved(list []json.RawMessage) ([]sandbox.Template, error) {
	out := make([]sandbox.Template, len(list))
	for i, raw := range list {
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// freeAddresses returns so many addresses to listen on later. They are none of those that the system gives to who asks for
// any.
func freeAddresses(n int) (list []string, err error) {
	for tries := 0; len(list) < n; tries++ {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.N(15_000))
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		switch {
		case err == nil:
			list = append(list, address)
			defer func() { _ = l.Close() }() // when all are found: no two are one
		case tries >= 100:
			return nil, err
		}
	}
	return list, nil
}
