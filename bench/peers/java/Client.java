// Kafka's own Java producer as a measured client: send with a callback for each record.
// Takes the same NAME=VALUE arguments as the other clients and prints the same line. The processor time is that
// of the process from the first measured record on: the virtual machine's start is left out, its compiling isn't.
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

public class Client {
    private final Map<String, String> arguments = new HashMap<>(Map.of(
        "topic", "bench", "records", "1000000", "keys", "0", "topics", "1", "headers", "0", "acks", "all",
        "idempotent", "true", "codec", "none", "rate", "0"));
    private final Properties properties = new Properties();
    private final List<byte[]> values = new ArrayList<>();
    private final List<byte[]> keys = new ArrayList<>();
    private final List<Header> headers = new ArrayList<>();
    private final int records;
    private final List<String> topics = new ArrayList<>();
    private final int rate;
    private final int burst;
    // Callbacks come from the client's one network thread
    private final AtomicInteger ok = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();
    private int timed = 0;
    private final long[] fromSend;
    private final long[] fromDue;

    private Client(String[] words) throws Exception {
        for (String word : words) {
            int equals = word.indexOf('=');
            String name = word.substring(0, equals);
            String value = word.substring(equals + 1);
            if (name.startsWith("x."))
                properties.put(name.substring(2), value);
            else
                arguments.put(name, value);
        }
        records = number("records");
        for (int i = 0; i < number("topics"); i++)
            topics.add(number("topics") == 1 ? arguments.get("topic") : arguments.get("topic") + "-" + i);
        rate = number("rate");
        burst = Integer.parseInt(arguments.getOrDefault("burst", "1"));
        fromSend = new long[rate > 0 ? records : 0];
        fromDue = new long[rate > 0 ? records : 0];
        for (String line : Files.readAllLines(Path.of(arguments.get("payload")), StandardCharsets.ISO_8859_1))
            values.add(line.getBytes(StandardCharsets.ISO_8859_1));
        for (int i = 0; i < number("keys"); i++)
            keys.add(String.format(Locale.ROOT, "key-%08d", i).getBytes(StandardCharsets.ISO_8859_1));
        for (int i = 0; i < number("headers"); i++)
            headers.add(new RecordHeader("trace-id", "0123456789abcdef".getBytes(StandardCharsets.ISO_8859_1)));
        configure();
    }

    private int number(String name) {
        return Integer.parseInt(arguments.get(name));
    }

    private void configure() {
        properties.put("bootstrap.servers", arguments.get("bootstrap"));
        properties.put("acks", arguments.get("acks"));
        properties.put("enable.idempotence", arguments.get("idempotent"));
        properties.put("compression.type", arguments.get("codec"));
        properties.put("key.serializer", ByteArraySerializer.class.getName());
        properties.put("value.serializer", ByteArraySerializer.class.getName());
        for (var pair : Map.of("linger_ms", "linger.ms", "batch_bytes", "batch.size").entrySet()) {
            String value = arguments.getOrDefault(pair.getKey(), "default");
            if (!value.equals("default"))
                properties.put(pair.getValue(), value);
        }
    }

    private ProducerRecord<byte[], byte[]> record(int i) {
        byte[] key = keys.isEmpty() ? null : keys.get(i % keys.size());
        return new ProducerRecord<>(topics.get(i % topics.size()), null, null, key, values.get(i % values.size()),
                                    headers.isEmpty() ? null : headers);
    }

    private void count(Exception error) {
        (error == null ? ok : failed).incrementAndGet();
    }

    private void atFullSpeed(KafkaProducer<byte[], byte[]> producer) {
        Callback callback = (metadata, error) -> count(error);
        for (int i = 0; i < records; i++)
            producer.send(record(i), callback);
    }

    private void atFixedRate(KafkaProducer<byte[], byte[]> producer, long start) {
        for (int i = 0; i < records; i++) {
            long due = start + (long) (i / burst * burst) * 1_000_000_000L / rate;
            if (i % burst == 0)
                for (long rest = due - System.nanoTime(); rest > 0; rest = due - System.nanoTime())
                    LockSupport.parkNanos(rest);
            long sent = System.nanoTime();
            producer.send(record(i), (metadata, error) -> {
                count(error);
                long now = System.nanoTime();
                fromSend[timed] = now - sent;
                fromDue[timed++] = now - due;
            });
        }
    }

    private void warmUp(KafkaProducer<byte[], byte[]> producer) throws Exception {
        for (int i = 0; i < topics.size(); i++)
            producer.send(record(i)).get();
    }

    private static long processorNs() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static long peakMemoryKb() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("VmHWM:"))
                return Long.parseLong(line.replaceAll("\\D", ""));
        return 0;
    }

    private static String percentiles(String from, long[] latencies, int count) {
        if (count == 0)
            return "";
        Arrays.sort(latencies, 0, count);
        var text = new StringBuilder();
        for (var pair : List.of(Map.entry("p50", 0.5), Map.entry("p90", 0.9), Map.entry("p99", 0.99),
                                Map.entry("p999", 0.999), Map.entry("max", 1.0)))
            text.append(String.format(Locale.ROOT, " %s_%s_us=%.1f", from, pair.getKey(),
                                      latencies[(int) ((count - 1) * pair.getValue())] / 1e3));
        return text.toString();
    }

    private void measure() throws Exception {
        try (var producer = new KafkaProducer<byte[], byte[]>(properties)) {
            warmUp(producer);
            long processor = processorNs();
            long start = System.nanoTime();
            if (rate > 0)
                atFixedRate(producer, start);
            else
                atFullSpeed(producer);
            producer.flush();
            double wall = (System.nanoTime() - start) / 1e9;
            double used = (processorNs() - processor) / 1e9;
            System.out.printf(Locale.ROOT, "peer=java version=%s records=%d ok=%d failed=%d wall_s=%.4f "
                + "cpu_s=%.4f cpu_s_per_million=%.4f records_per_s=%.0f peak_memory_kb=%d%s%s%n",
                AppInfoParser.getVersion(), records, ok.get(), failed.get(), wall, used, used / records * 1e6,
                records / wall, peakMemoryKb(), percentiles("send", fromSend, timed),
                percentiles("due", fromDue, timed));
        }
    }

    public static void main(String[] words) throws Exception {
        new Client(words).measure();
    }
}
