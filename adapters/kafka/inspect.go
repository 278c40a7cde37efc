package kafka

import (
	"context"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// TopicState is what the brokers say of a topic.
type TopicState struct {
	Name string
	// Partitions is 0 if there is no such topic. Replicas is the least that any of them has.
	Partitions, Replicas int
	// MaxMessageBytes is the largest batch of records that is taken; 0 if it is not told, as to who may not ask.
	MaxMessageBytes int64
	// Compacted is set if an older record of a key may go; Retention is how long records stay, negative for ever, 0 if not told.
	Compacted bool
	Retention time.Duration
}

// Inspect asks the brokers about topics, and how many brokers there are. It changes nothing and leaves nothing open.
func Inspect(ctx context.Context, cfg Config, topics ...string) (brokers int, states []TopicState, err error) {
	c, err := newCluster(cfg)
	if err != nil {
		return 0, nil, err
	}
	defer c.close()
	if err := c.ping(ctx); err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*requestTimeout)
	defer cancel()
	layout, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return 0, nil, err
	}
	there := map[string]kafka.Topic{}
	for _, t := range layout.Topics {
		if t.Error == nil {
			there[t.Name] = t
		}
	}
	for _, name := range topics {
		s := TopicState{Name: name, Partitions: len(there[name].Partitions)}
		for i, p := range there[name].Partitions {
			if n := len(p.Replicas); i == 0 || n < s.Replicas {
				s.Replicas = n
			}
		}
		if s.Partitions > 0 {
			c.describe(ctx, &s)
		}
		states = append(states, s)
	}
	return len(layout.Brokers), states, nil
}

// describe adds what is configured, as far as the brokers tell.
func (c *cluster) describe(ctx context.Context, s *TopicState) {
	answer, err := c.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: s.Name, ConfigNames: []string{"max.message.bytes", "cleanup.policy", "retention.ms"},
	}}})
	if err != nil {
		return
	}
	for _, r := range answer.Resources {
		if r.Error != nil {
			continue
		}
		for _, e := range r.ConfigEntries {
			number, _ := strconv.ParseInt(e.ConfigValue, 10, 64)
			switch e.ConfigName {
			case "max.message.bytes":
				s.MaxMessageBytes = number
			case "cleanup.policy":
				s.Compacted = e.ConfigValue == "compact" || e.ConfigValue == "compact,delete" || e.ConfigValue == "delete,compact"
			case "retention.ms":
				s.Retention = time.Duration(number) * time.Millisecond
			}
		}
	}
}
