package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"fhirbridge/adapters/envelope"
	"fhirbridge/adapters/fhirserver"
	"fhirbridge/adapters/kafka"
	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// Config is the configuration file. configs/bridge.yaml shows every key.
type Config struct {
	Kafka    KafkaConfig      `yaml:"kafka"`
	FHIR     FHIRConfig       `yaml:"fhir"`
	Channels []ChannelConfig  `yaml:"channels"`
	Ledger   sqlledger.Config `yaml:"ledger"`
	HTTP     HTTPConfig       `yaml:"http"`
	Facility FacilityConfig   `yaml:"facility"`
	Intake   IntakeConfig     `yaml:"intake"`
	Dispatch DispatchConfig   `yaml:"dispatch"`
	Quiet    QuietConfig      `yaml:"quiet"`
	Minors   MinorsConfig     `yaml:"minors"`
	Proxies  ProxiesConfig    `yaml:"proxies"`
	// Allow lists the only numbers that are written to, or how they begin; all are if it is empty.
	Allow     []written       `yaml:"allow"`
	Frequency FrequencyConfig `yaml:"frequency"`
	Documents DocumentsConfig `yaml:"documents"`
	Media     MediaConfig     `yaml:"media"`
	Booking   BookingConfig   `yaml:"booking"`
	Maps      []MapConfig     `yaml:"maps"`
	// Journeys and Templates are folders; "" means those that the binary carries.
	Journeys  string `yaml:"journeys"`
	Templates string `yaml:"templates"`
	// Fields and Conditions are an engineer's own, by name, for templates and journeys.
	Fields     map[string]FieldConfig     `yaml:"fields"`
	Conditions map[string]ConditionConfig `yaml:"conditions"`

	custom custom
	book   *journey.Book // once loadJourneys has read it
}

// KafkaConfig is the kafka block.
type KafkaConfig struct {
	Cluster kafka.Config `yaml:",inline"`
	Topics  TopicsConfig `yaml:"topics"`
	// SessionTimeout is how long the group stands still after an instance was killed.
	SessionTimeout time.Duration `yaml:"session_timeout"`
}

// TopicsConfig names the topics that are read and written.
type TopicsConfig struct {
	Events         []string `yaml:"events"`
	Inbound        string   `yaml:"inbound"`
	Communications string   `yaml:"communications"`
	DeadLetters    string   `yaml:"dead_letters"`
}

// FHIRConfig is the fhir block.
type FHIRConfig struct {
	Server fhirserver.Config `yaml:",inline"`
	Of     ProfileConfig     `yaml:",inline"`
	// WriteTo lists the sinks: server, topic.
	WriteTo []pipeline.Sink `yaml:"write_to"`
	// AppointmentWriteback lists the rungs that a decision goes down: status, patch, response, task.
	AppointmentWriteback []pipeline.Rung `yaml:"appointment_writeback"`
	// Concurrency is how many requests of write-back the server gets at once.
	Concurrency int `yaml:"concurrency"`
	// Batch is how many resources of a backlog are created by one request where the server takes batches; 1 for no batches.
	Batch int `yaml:"batch"`
}

// ChannelConfig is one entry of channels. Its other keys are the provider's own.
type ChannelConfig struct {
	Name     string `yaml:"name"`
	Provider string `yaml:"provider"`
	// Rate is the most messages a second; 80 is what Meta gives a number at first.
	// A negative rate is none at all, the limit per recipient included.
	Rate float64 `yaml:"rate"`
	// Approved is a file that `bridge templates status --save` wrote: `bridge check` compares the
	// journeys' templates with it. "" compares nothing.
	Approved string `yaml:"approved"`
	// Fallback names the other channel, of words alone, for numbers that are not on WhatsApp; "" leaves them alone.
	Fallback string `yaml:"fallback"`

	node ast.Node
}

// HTTPConfig is the http block: host:port of the two listeners.
type HTTPConfig struct {
	Webhooks string `yaml:"webhooks"`
	Admin    string `yaml:"admin"`
}

// FacilityConfig is the facility block.
type FacilityConfig struct {
	Name     string `yaml:"name"`
	Timezone string `yaml:"timezone"`
	Language string `yaml:"language"`
	Country  string `yaml:"country"`
	// Phone is where patients can call, as they dial it or as E.164; "" for none. Templates may show it.
	Phone written `yaml:"phone"`
	// Portal is the address at which patients read their own record; "" for none. Templates may show it.
	Portal written `yaml:"portal"`
	// Emergency is what people dial in an emergency; that of Country if it is known. Templates show it.
	Emergency written `yaml:"emergency"`
	// Hours are when people read what patients write; always if there are none.
	Hours []HoursConfig `yaml:"hours"`
}

// IntakeConfig is the intake block.
type IntakeConfig struct {
	// MaxAge is the age from which an event is history and no news.
	MaxAge time.Duration `yaml:"max_age"`
	// Shapes pins topics to one shape of envelope; others are recognised.
	Shapes envelope.Config `yaml:",inline"`
}

// DispatchConfig is the dispatch block.
type DispatchConfig struct {
	// Concurrency is how many messages are being posted at once.
	Concurrency int `yaml:"concurrency"`
	// Grace is how long an attempt of unknown outcome waits for its status.
	Grace time.Duration `yaml:"grace"`
	// Unreachable is how long a number that is not on WhatsApp is left alone; negative is not at all.
	Unreachable time.Duration `yaml:"unreachable"`
}

// defaults are what is not said.
func (c *Config) defaults() {
	t := &c.Kafka.Topics
	c.Kafka.Cluster.Group = cmp.Or(c.Kafka.Cluster.Group, "bridge")
	if len(t.Events) == 0 {
		t.Events = []string{"ehr.fhir"}
	}
	c.Kafka.SessionTimeout = cmp.Or(c.Kafka.SessionTimeout, 6*time.Second)
	t.Inbound = cmp.Or(t.Inbound, "bridge.inbound")
	t.Communications = cmp.Or(t.Communications, "bridge.communications")
	t.DeadLetters = cmp.Or(t.DeadLetters, "bridge.dead-letters")
	c.FHIR.Of.problem = c.FHIR.Of.load()
	if len(c.FHIR.WriteTo) == 0 {
		c.FHIR.WriteTo = []pipeline.Sink{cmp.Or(c.FHIR.Of.loaded.Writes, pipeline.SinkServer)}
	}
	if len(c.FHIR.AppointmentWriteback) == 0 {
		c.FHIR.AppointmentWriteback = []pipeline.Rung{pipeline.RungPatch, pipeline.RungResponse, pipeline.RungTask}
	}
	c.FHIR.Concurrency = cmp.Or(c.FHIR.Concurrency, 8)
	c.FHIR.Batch = cmp.Or(c.FHIR.Batch, 32)
	c.HTTP.Webhooks = cmp.Or(c.HTTP.Webhooks, "127.0.0.1:8080")
	c.HTTP.Admin = cmp.Or(c.HTTP.Admin, "127.0.0.1:8081")
	c.Facility.Language = cmp.Or(c.Facility.Language, "en")
	c.Facility.Emergency = cmp.Or(c.Facility.Emergency, emergencyNumbers[c.Facility.Country])
	c.Intake.MaxAge = cmp.Or(c.Intake.MaxAge, 24*time.Hour)
	c.Dispatch.Concurrency = cmp.Or(c.Dispatch.Concurrency, 64)
	c.Dispatch.Grace = cmp.Or(c.Dispatch.Grace, 5*time.Minute)
	c.Documents.defaults()
	c.Booking.defaults()
	c.Dispatch.Unreachable = cmp.Or(c.Dispatch.Unreachable, 7*24*time.Hour)
	c.Frequency.Within = cmp.Or(c.Frequency.Within, 24*time.Hour)
	for i := range c.Channels {
		c.Channels[i].Name = cmp.Or(c.Channels[i].Name, "main")
		c.Channels[i].Rate = cmp.Or(c.Channels[i].Rate, 80)
	}
}

// validate returns every problem of the blocks that who needs, each beginning with its key.
func (c *Config) validate(who reader) []error {
	errs := under("kafka", c.Kafka.validate())
	errs = append(errs, under("http", c.HTTP.validate())...)
	errs = append(errs, c.validateChannels()...)
	if who == forReceiver {
		return errs
	}
	errs = append(errs, under("fhir", c.FHIR.validate())...)
	errs = append(errs, under("ledger", c.Ledger.Validate())...)
	errs = append(errs, under("facility", c.Facility.validate())...)
	errs = append(errs, under("intake", c.Intake.validate())...)
	errs = append(errs, c.validateGates()...)
	errs = append(errs, c.validateDocuments()...)
	errs = append(errs, c.Media.validate()...)
	errs = append(errs, c.validateMaps()...)
	if who == forLint {
		errs = append(errs, c.unusableMaps()...)
	}
	errs = append(errs, under("booking", c.Booking.validate(c.FHIR.WriteTo, c.FHIR.AppointmentWriteback))...)
	if c.Dispatch.Grace < c.Kafka.SessionTimeout { // else a status could wait behind a killed instance
		errs = append(errs, errors.New("dispatch.grace: must not be shorter than kafka.session_timeout"))
	}
	return append(errs, under("dispatch", c.Dispatch.validate())...)
}

func (k KafkaConfig) validate() error {
	if k.SessionTimeout < time.Second {
		return errors.Join(k.Cluster.Validate(), errors.New("session_timeout: must be 1s at least; brokers usually take no less than 6s"))
	}
	return k.Cluster.Validate()
}

func (f FHIRConfig) validate() error {
	errs := []error{f.Of.validate(f.WriteTo)}
	if f.Server.BaseURL != "" || slices.Contains(f.WriteTo, pipeline.SinkServer) {
		errs = append(errs, f.Server.Validate())
	}
	for i, sink := range f.WriteTo {
		if !slices.Contains([]pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic}, sink) {
			errs = append(errs, fmt.Errorf("write_to[%d]: must be server or topic", i))
		}
	}
	for i, rung := range f.AppointmentWriteback {
		if !slices.Contains([]pipeline.Rung{pipeline.RungStatus, pipeline.RungPatch, pipeline.RungResponse, pipeline.RungTask}, rung) {
			errs = append(errs, fmt.Errorf("appointment_writeback[%d]: must be status, patch, response or task", i))
		}
	}
	if f.Concurrency < 1 || f.Concurrency > 32 {
		errs = append(errs, errors.New("concurrency: must be from 1 to 32"))
	}
	if f.Batch < 1 || f.Batch > 100 {
		errs = append(errs, errors.New("batch: must be from 1 to 100; 1 for no batches"))
	}
	return errors.Join(errs...)
}

func (h HTTPConfig) validate() error {
	var errs []error
	if _, _, err := net.SplitHostPort(h.Webhooks); err != nil {
		errs = append(errs, errors.New("webhooks: must be host:port"))
	}
	if _, _, err := net.SplitHostPort(h.Admin); err != nil {
		errs = append(errs, errors.New("admin: must be host:port"))
	}
	return errors.Join(errs...)
}

func (i IntakeConfig) validate() error {
	if i.MaxAge < 0 {
		return errors.Join(i.Shapes.Validate(), errors.New("max_age: must not be negative"))
	}
	return i.Shapes.Validate()
}

func (d DispatchConfig) validate() error {
	var errs []error
	if d.Concurrency < 1 || d.Concurrency > 1000 {
		errs = append(errs, errors.New("concurrency: must be from 1 to 1000"))
	}
	return errors.Join(errs...)
}

func (f FacilityConfig) validate() error {
	var errs []error
	if f.Name == "" {
		errs = append(errs, errors.New("name: required; patients read it"))
	}
	if f.Timezone == "" {
		errs = append(errs, errors.New("timezone: required, as in Europe/Berlin"))
	} else if _, err := time.LoadLocation(f.Timezone); err != nil || f.Timezone == "Local" {
		errs = append(errs, errors.New("timezone: not a name of the IANA time zone database"))
	}
	if len(f.Country) != 2 || strings.ToUpper(f.Country) != f.Country {
		errs = append(errs, errors.New("country: required, two capital letters as in DE (ISO 3166-1)"))
	}
	if f.Phone != "" && !f.Phone.dials() {
		errs = append(errs, errors.New("phone: must be a number as people dial it, of 3 to 15 digits, as in +1 555 0100 100"))
	}
	_, err := f.openings()
	return errors.Join(append(errs, f.emergencyProblem(), err)...)
}

// under splits a joined error and puts the block's key before each part.
func under(block string, err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, part := range joined.Unwrap() {
			out = append(out, under(block, part)...)
		}
		return out
	}
	return []error{fmt.Errorf("%s.%w", block, err)}
}
