import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.*;
import java.nio.ByteBuffer;
import java.nio.charset.*;
import java.time.Duration;
import java.util.*;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What is in a topic, from its start to its present end, by Kafka's own consumer. */
public class ReadBack {
    interface Sink {
        void accept(ConsumerRecord<byte[], byte[]> record) throws IOException;
    }

    static Properties properties(JsonNode command) {
        var p = new Properties();
        p.put("bootstrap.servers", command.get("bootstrap").asText());
        p.put("isolation.level", "read_committed");
        p.put("enable.auto.commit", "false");
        p.put("auto.offset.reset", "earliest");
        p.put("allow.auto.create.topics", "false");
        p.put("fetch.max.wait.ms", "50");
        p.put("max.poll.records", "10000");
        p.put("default.api.timeout.ms", "30000");
        p.put("request.timeout.ms", "10000");
        return p;
    }

    static long each(JsonNode command, Sink sink) throws IOException {
        long count = 0;
        try (var consumer = new KafkaConsumer<>(
                     properties(command), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            String topic = command.get("topic").asText();
            var partitions = new ArrayList<TopicPartition>();
            for (var info : consumer.partitionsFor(topic))
                partitions.add(new TopicPartition(topic, info.partition()));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            var ends = consumer.endOffsets(partitions);
            long deadline = System.nanoTime() + command.path("seconds").asInt(120) * 1_000_000_000L;
            while (!finished(consumer, partitions, ends)) {
                if (System.nanoTime() > deadline) throw new IOException("end of " + topic + " not reached: " + ends);
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    sink.accept(record);
                    ++count;
                }
            }
        }
        return count;
    }

    static boolean finished(
            KafkaConsumer<byte[], byte[]> consumer, List<TopicPartition> partitions, Map<TopicPartition, Long> ends) {
        for (var p : partitions)
            if (consumer.position(p) < ends.get(p)) return false;
        return true;
    }

    /**
     * Tab-separated: partition, offset, timestamp, timestamp type, key, value, headers as a JSON list (or nothing).
     */
    static Object read(JsonNode command) throws IOException {
        try (var out = new BufferedWriter(new OutputStreamWriter(new FileOutputStream(command.get("file").asText()),
                                                  StandardCharsets.UTF_8),
                     1 << 16)) {
            var line = new StringBuilder();
            return each(command, r -> {
                line.setLength(0);
                line.append(r.partition())
                        .append('\t')
                        .append(r.offset())
                        .append('\t')
                        .append(r.timestamp())
                        .append('\t')
                        .append(r.timestampType() == TimestampType.LOG_APPEND_TIME ? "append" : "create")
                        .append('\t')
                        .append(text(r.key()))
                        .append('\t')
                        .append(text(r.value()))
                        .append('\t');
                var headers = new ArrayList<List<String>>();
                for (var h : r.headers()) headers.add(List.of(h.key(), text(h.value())));
                if (!headers.isEmpty()) line.append(Daemon.json.writeValueAsString(headers));
                out.append(line).append('\n');
            });
        }
    }

    /** `-` for null, `=text` for printable ASCII, `:base64` for everything else. */
    static String text(byte[] bytes) {
        if (bytes == null) return "-";
        for (byte b : bytes)
            if (b < 0x20 || b == 0x7f) return ":" + Base64.getEncoder().encodeToString(bytes);
        return "=" + new String(bytes, StandardCharsets.US_ASCII);
    }

    static class Sum {
        long records, first = -1, last = -1, gaps, bytes, disorder;
        final CRC32 values = new CRC32(), keys = new CRC32();
        final Map<String, Long> sequences = new HashMap<>();

        void add(ConsumerRecord<byte[], byte[]> r) {
            ++records;
            if (first < 0) first = r.offset();
            else gaps += r.offset() - last - 1;
            last = r.offset();
            if (r.key() != null) keys.update(r.key());
            if (r.value() == null) return;
            bytes += r.value().length;
            values.update(r.value());
            values.update('\n');
            sequence(r.value());
        }

        /** Values `PREFIX.NUMBER`, perhaps with `|PADDING`: numbers of a prefix must rise within a partition. */
        void sequence(byte[] value) {
            int end = 0, dot = -1;
            while (end < value.length && value[end] != '|') {
                if (value[end] == '.') dot = end;
                ++end;
            }
            if (dot < 0 || end - dot > 18 || dot + 1 == end) return;
            long number = 0;
            for (int i = dot + 1; i < end; ++i) {
                if (value[i] < '0' || value[i] > '9') return;
                number = number * 10 + value[i] - '0';
            }
            Long before = sequences.put(new String(value, 0, dot, StandardCharsets.ISO_8859_1), number);
            if (before != null && before >= number) ++disorder;
        }
    }

    /** For millions of records: counts, offsets and checksums in order, a line for each partition. */
    static Object summary(JsonNode command) throws IOException {
        var sums = new TreeMap<Integer, Sum>();
        each(command, r -> sums.computeIfAbsent(r.partition(), p -> new Sum()).add(r));
        var result = new TreeMap<Integer, Object>();
        sums.forEach((p, s)
                             -> result.put(p,
                                     Map.of("records", s.records, "first", s.first, "last", s.last, "gaps", s.gaps,
                                             "bytes", s.bytes, "disorder", s.disorder, "values_crc32",
                                             s.values.getValue(), "keys_crc32", s.keys.getValue())));
        return result;
    }
}
