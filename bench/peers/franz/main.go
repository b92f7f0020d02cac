// franz-go as a measured client: Produce with a callback for each record, its buffer limit as back-pressure.
// Takes the same NAME=VALUE arguments as the other clients and prints the same line.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type arguments struct {
	bootstrap, topic, payload, acks, codec, linger, batch string
	records, keys, topics, headers, rate, burst           int
	idempotent                                            bool
}

func parse(words []string) (arguments, error) {
	a := arguments{topic: "bench", acks: "all", codec: "none", linger: "default", batch: "default",
		records: 1_000_000, topics: 1, burst: 1, idempotent: true}
	texts := map[string]*string{"bootstrap": &a.bootstrap, "topic": &a.topic, "payload": &a.payload, "acks": &a.acks,
		"codec": &a.codec, "linger_ms": &a.linger, "batch_bytes": &a.batch}
	numbers := map[string]*int{"records": &a.records, "keys": &a.keys, "topics": &a.topics, "headers": &a.headers,
		"rate": &a.rate, "burst": &a.burst}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if text, found := texts[name]; found {
			*text = value
		} else if number, found := numbers[name]; found {
			n, err := strconv.Atoi(value)
			if err != nil {
				return a, fmt.Errorf("%s: %w", name, err)
			}
			*number = n
		} else if name == "idempotent" {
			a.idempotent = value == "true"
		} else {
			return a, fmt.Errorf("unknown argument: %s", word)
		}
	}
	if a.bootstrap == "" || a.payload == "" {
		return a, errors.New("bootstrap= and payload= are needed")
	}
	return a, nil
}

func (a arguments) topicNames() []string {
	if a.topics == 1 {
		return []string{a.topic}
	}
	var names []string
	for i := range a.topics {
		names = append(names, a.topic+"-"+strconv.Itoa(i))
	}
	return names
}

func (a arguments) options() ([]kgo.Opt, error) {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	acks := map[string]kgo.Acks{"all": kgo.AllISRAcks(), "1": kgo.LeaderAck(), "0": kgo.NoAck()}
	options := []kgo.Opt{kgo.SeedBrokers(strings.Split(a.bootstrap, ",")...), kgo.RequiredAcks(acks[a.acks]),
		kgo.ProducerBatchCompression(codecs[a.codec])}
	if !a.idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	if a.linger != "default" {
		ms, err := strconv.ParseFloat(a.linger, 64)
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.ProducerLinger(time.Duration(ms*float64(time.Millisecond))))
	}
	if a.batch != "default" {
		bytes, err := strconv.Atoi(a.batch)
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.ProducerBatchMaxBytes(int32(bytes)))
	}
	return options, nil
}

// When each record of a fixed rate is due: bursts at equal distances.
func due(start time.Time, record, rate, burst int) time.Time {
	first := record / burst * burst
	return start.Add(time.Duration(first/rate)*time.Second + time.Duration(first%rate)*time.Second/time.Duration(rate))
}

type measurement struct {
	arguments
	client            *kgo.Client
	topicList         []string
	values, keys      [][]byte
	recordHeaders     []kgo.RecordHeader
	ok, failed        atomic.Int64
	mutex             sync.Mutex
	fromSend, fromDue []uint32 // of a fixed rate, in tenths of a microsecond
}

func (r *measurement) record(i int) *kgo.Record {
	record := &kgo.Record{Topic: r.topicList[i%r.topics], Value: r.values[i%len(r.values)], Headers: r.recordHeaders}
	if len(r.keys) > 0 {
		record.Key = r.keys[i%len(r.keys)]
	}
	return record
}

func (r *measurement) count(_ *kgo.Record, err error) {
	if err != nil {
		r.failed.Add(1)
	} else {
		r.ok.Add(1)
	}
}

func (r *measurement) atFullSpeed(ctx context.Context) {
	for i := range r.records {
		r.client.Produce(ctx, r.record(i), r.count)
	}
}

func (r *measurement) atFixedRate(ctx context.Context, start time.Time) {
	r.fromSend = make([]uint32, 0, r.records)
	r.fromDue = make([]uint32, 0, r.records)
	for i := range r.records {
		at := due(start, i, r.rate, r.burst)
		if i%r.burst == 0 {
			sleepUntil(at)
		}
		sent := time.Now()
		r.client.Produce(ctx, r.record(i), func(record *kgo.Record, err error) {
			r.count(record, err)
			now := time.Now()
			r.mutex.Lock()
			r.fromSend = append(r.fromSend, uint32(now.Sub(sent)/100))
			r.fromDue = append(r.fromDue, uint32(now.Sub(at)/100))
			r.mutex.Unlock()
		})
	}
}

// time.Sleep wakes up to a millisecond late; the kernel's own sleep doesn't.
func sleepUntil(at time.Time) {
	if rest := time.Until(at); rest > 0 {
		request := syscall.NsecToTimespec(int64(rest))
		syscall.Nanosleep(&request, nil)
	}
}

func (r *measurement) warmUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, topic := range r.topicList {
		record := &kgo.Record{Topic: topic, Value: r.values[0]}
		if err := r.client.ProduceSync(ctx, record).FirstErr(); err != nil {
			return fmt.Errorf("warm-up: %w", err)
		}
	}
	return nil
}

func processorTime() (user, system float64, switches int64) {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)*1e-6 }
	return seconds(usage.Utime), seconds(usage.Stime), usage.Nvcsw
}

// VmHWM rather than ru_maxrss, which starts at the peak of whoever started the process.
func peakMemoryKB() int {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			kb, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return kb
		}
	}
	return 0
}

func version() string {
	if info, found := debug.ReadBuildInfo(); found {
		for _, module := range info.Deps {
			if module.Path == "github.com/twmb/franz-go" {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return "unknown"
}

func printPercentiles(from string, latencies []uint32) {
	if len(latencies) == 0 {
		return
	}
	slices.Sort(latencies)
	us := func(percent float64) float64 {
		return float64(latencies[int(float64(len(latencies)-1)*percent/100)]) / 10
	}
	fmt.Printf(" %s_p50_us=%.1f %s_p90_us=%.1f %s_p99_us=%.1f %s_p999_us=%.1f %s_max_us=%.1f", from, us(50), from, us(90),
		from, us(99), from, us(99.9), from, us(100))
}

func (r *measurement) measure() error {
	ctx := context.Background()
	if err := r.warmUp(ctx); err != nil {
		return err
	}
	user, system, switches := processorTime()
	start := time.Now()
	if r.rate > 0 {
		r.atFixedRate(ctx, start)
	} else {
		r.atFullSpeed(ctx)
	}
	if err := r.client.Flush(ctx); err != nil {
		return err
	}
	wall := time.Since(start).Seconds()
	userEnd, systemEnd, switchesEnd := processorTime()
	user, system = userEnd-user, systemEnd-system
	fmt.Printf("peer=franz-go version=%s records=%d ok=%d failed=%d wall_s=%.4f user_s=%.4f system_s=%.4f "+
		"cpu_s_per_million=%.4f records_per_s=%.0f voluntary_switches=%d peak_memory_kb=%d",
		version(), r.records, r.ok.Load(), r.failed.Load(), wall, user, system,
		(user+system)/float64(r.records)*1e6, float64(r.records)/wall, switchesEnd-switches, peakMemoryKB())
	printPercentiles("send", r.fromSend)
	printPercentiles("due", r.fromDue)
	fmt.Println()
	return nil
}

func start(words []string) error {
	a, err := parse(words)
	if err != nil {
		return err
	}
	options, err := a.options()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(a.payload)
	if err != nil {
		return err
	}
	r := measurement{arguments: a, topicList: a.topicNames(), values: bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))}
	for i := range a.keys {
		r.keys = append(r.keys, fmt.Appendf(nil, "key-%08d", i))
	}
	for range a.headers {
		r.recordHeaders = append(r.recordHeaders, kgo.RecordHeader{Key: "trace-id", Value: []byte("0123456789abcdef")})
	}
	if r.client, err = kgo.NewClient(options...); err != nil {
		return err
	}
	defer r.client.Close()
	return r.measure()
}

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "franz-go client:", err)
		os.Exit(2)
	}
}
