package sandbox

import (
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// BrokerConfig describes a Kafka cluster. The zero value is one broker on a free
// loopback port, in memory, without topics.
type BrokerConfig struct {
	// Topics are created at start with this many partitions each, 1 or more. Those that
	// DataDir already knows are left as they are.
	Topics map[string]int
	// DataDir keeps records and offsets over a restart, in Kafka's way: written at
	// once, synced on Close. Empty keeps everything in memory.
	DataDir string
	// Port is the first broker's port on 127.0.0.1; 0 takes any. Further brokers take any.
	Port int
	// Brokers is how many nodes the cluster has; 0 means 1.
	Brokers int
	// MaxMessageBytes is the largest record batch taken; 0 means Kafka's default of about 1 MB.
	MaxMessageBytes int
	// MinSessionTimeout is the shortest session timeout a consumer group may ask for;
	// 0 means Kafka's default of 6 s. Only tests of rebalances want less.
	MinSessionTimeout time.Duration
	// AutoCreate lets clients create a topic by asking for it.
	AutoCreate bool
}

// Broker is a Kafka cluster in this process: produce, fetch, consumer groups and
// transactions over TCP. It is franz-go's kfake; see
// https://pkg.go.dev/github.com/twmb/franz-go/pkg/kfake.
type Broker struct {
	cluster *kfake.Cluster
	addrs   []string
}

// NewBroker starts a cluster. Errors are those of sockets and of DataDir.
func NewBroker(cfg BrokerConfig) (*Broker, error) {
	ports := make([]int, max(cfg.Brokers, 1))
	ports[0] = cfg.Port
	opts := []kfake.Opt{kfake.Ports(ports...), kfake.DefaultNumPartitions(1)}
	if cfg.DataDir != "" {
		opts = append(opts, kfake.DataDir(cfg.DataDir))
	}
	if cfg.MaxMessageBytes > 0 {
		opts = append(opts, kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(cfg.MaxMessageBytes)}))
	}
	if cfg.MinSessionTimeout > 0 {
		opts = append(opts, kfake.GroupMinSessionTimeout(cfg.MinSessionTimeout))
	}
	if cfg.AutoCreate {
		opts = append(opts, kfake.AllowAutoTopicCreation())
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("sandbox: broker: %w", err)
	}
	b := &Broker{cluster: cluster, addrs: cluster.ListenAddrs()}
	for name, partitions := range cfg.Topics {
		if err := b.CreateTopic(name, partitions); err != nil {
			cluster.Close()
			return nil, err
		}
	}
	return b, nil
}

// CreateTopic adds a topic with this many partitions. A topic that exists is left as it is.
func (b *Broker) CreateTopic(name string, partitions int) error {
	if partitions < 1 || partitions > 10_000 {
		return fmt.Errorf("sandbox: topic %s: %d partitions", name, partitions)
	}
	if b.cluster.TopicInfo(name) != nil {
		return nil
	}
	if err := b.cluster.CreateTopic(name, int32(partitions), nil); err != nil {
		return fmt.Errorf("sandbox: topic %s: %w", name, err)
	}
	return nil
}

// Addr returns host:port of the first broker: enough for any client to begin with.
func (b *Broker) Addr() string { return b.addrs[0] }

// Addrs returns host:port of all brokers.
func (b *Broker) Addrs() []string { return append([]string(nil), b.addrs...) }

// Close stops the cluster; with a DataDir, what was written is durable on return.
// Closing twice is harmless.
func (b *Broker) Close() { b.cluster.Close() }
