import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.*;

/**
 * What driver.cpp and console_producer do, by Kafka's own producer: `scenarios.py --client java` proves with it that
 * the scenarios ask nothing that the reference client does not do. clients.py describes the commands.
 */
public class Driver {
    static final PrintStream out =
            new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16), false,
                    StandardCharsets.UTF_8);

    final Map<String, String> options = new HashMap<>();
    final Properties properties = new Properties();
    volatile boolean stopping = false;

    public static void main(String[] args) throws Exception {
        var driver = new Driver(args);
        var main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            driver.stopping = true;
            try {
                main.join(120_000);
            } catch (InterruptedException e) {}
        }));
        int status = switch (args[0]) {
            case "serializers" -> driver.serializers();
            case "send" -> driver.send();
            case "stream" -> driver.stream();
            case "console_producer" -> driver.console();
            default -> throw new IllegalArgumentException(args[0]);
        };
        out.flush();
        Runtime.getRuntime().halt(status);
    }

    Driver(String[] args) throws IOException {
        properties.put("retry.backoff.max.ms", "500");
        for (int i = 1; i < args.length; ++i) {
            switch (args[i]) {
                case "--command-property", "--reader-property" -> {
                    var pair = args[++i].split("=", 2);
                    properties.put(pair[0], pair[1]);
                }
                case "--command-config" -> {
                    try (var in = new FileReader(args[++i])) {
                        properties.load(in);
                    }
                }
                case "--print-metadata" -> {
                }
                default -> options.put(args[i], args[++i]);
            }
        }
        properties.put("bootstrap.servers", options.get("--bootstrap-server"));
    }

    String option(String name, String otherwise) { return options.getOrDefault(name, otherwise); }
    long number(String name, long otherwise) { return Long.parseLong(option(name, "" + otherwise)); }

    KafkaProducer<byte[], byte[]> producer() {
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static String name(Exception e) {
        if (e instanceof RecordTooLargeException && e.getMessage().contains("max.request.size"))
            return "RECORD_TOO_LARGE";
        if (e instanceof TimeoutException) {
            if (notSent(e)) return "MAX_BLOCK_EXCEEDED";
            return "DELIVERY_TIMEOUT";
        }
        return withOther(e) ? "BATCH_FAILED_WITH_OTHER_RECORD" : Errors.forException(e).name();
    }

    static boolean notSent(Exception e) {
        return e instanceof TimeoutException
                && (e.getMessage().contains("not present in metadata") || e instanceof BufferExhaustedException);
    }

    static boolean withOther(Exception e) { return ("" + e.getMessage()).contains("it was part of a batch"); }

    static String persisted(Exception e) {
        return notSent(e) || withOther(e) || e instanceof RecordTooLargeException
                        || e instanceof InvalidTimestampException
                ? "no"
                : "possibly";
    }

    static String text(Exception e) { return ("" + e.getMessage()).replaceAll("\\s+", " "); }

    void report(Object id, RecordMetadata m, Exception e) {
        String line = e == null ? "ok\t" + id + '\t' + m.partition() + '\t' + m.offset() + '\t' + m.timestamp()
                                : "failed\t" + id + '\t' + persisted(e) + '\t' + name(e) + '\t' + text(e);
        synchronized (out) { out.println(line); }
    }

    /** send() throws what it finds before queueing, calls back for the rest */
    void send(KafkaProducer<byte[], byte[]> producer, ProducerRecord<byte[], byte[]> record, Callback callback) {
        try {
            producer.send(record, callback);
        } catch (org.apache.kafka.common.KafkaException | IllegalArgumentException e) {
            callback.onCompletion(null, e);
        }
    }

    <T> void typed(
            KafkaProducer<byte[], byte[]> producer, String name, String type, Serializer<T> serializer, T value) {
        String topic = options.get("--topic");
        var headers = new RecordHeaders();
        headers.add("case", name.getBytes()).add("key-type", type.getBytes()).add("value-type", type.getBytes());
        byte[] bytes = serializer.serialize(topic, value);
        send(producer, new ProducerRecord<>(topic, null, null, bytes, bytes, headers), (m, e) -> report(name, m, e));
    }

    int serializers() {
        try (var p = producer()) {
            typed(p, "string", "string", new StringSerializer(), "gr\u00fc\u00dfe \u2603");
            typed(p, "string_view", "string", new StringSerializer(), "view");
            typed(p, "c_string", "string", new StringSerializer(), "literal");
            typed(p, "empty_string", "string", new StringSerializer(), "");
            typed(p, "int16", "short", new ShortSerializer(), (short) -12345);
            typed(p, "int32", "integer", new IntegerSerializer(), -1234567890);
            typed(p, "int64", "long", new LongSerializer(), -1234567890123456789L);
            typed(p, "float", "float", new FloatSerializer(), -1.5e-7f);
            typed(p, "double", "double", new DoubleSerializer(), 3.141592653589793);
            typed(p, "uuid", "uuid", new UUIDSerializer(), UUID.fromString("01234567-89ab-cdef-fedc-ba9876543210"));
            typed(p, "bytes", "bytes", new ByteArraySerializer(), new byte[] {0, (byte) 0xff, (byte) 0x80, 0x7f});
            typed(p, "vector", "bytes", new ByteArraySerializer(), new byte[] {1, 2, 3});
            typed(p, "null", "void", new VoidSerializer(), null);
            typed(p, "optional_empty", "string", new StringSerializer(), null);
            typed(p, "optional_full", "integer", new IntegerSerializer(), 42);
        }
        return 0;
    }

    static byte[] bytes(String text) {
        switch (text.charAt(0)) {
            case '-': return null;
            case '=': return text.substring(1).getBytes(StandardCharsets.UTF_8);
            case 'x': return HexFormat.of().parseHex(text.substring(1));
            case '*': {
                var b = new byte[Integer.parseInt(text.substring(1))];
                Arrays.fill(b, (byte) 'x');
                return b;
            }
            default: throw new IllegalArgumentException(text);
        }
    }

    int send() throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (var producer = producer()) {
            int number = 0;
            for (String line; (line = in.readLine()) != null && !stopping; ++number) {
                var f = line.split("\t", -1);
                var headers = new RecordHeaders();
                if (!f[5].isEmpty())
                    for (var h : f[5].split(",")) headers.add(h.split(":", 2)[0], bytes(h.split(":", 2)[1]));
                int id = number;
                Callback callback = (m, e) -> {
                    report(id, m, e);
                    out.flush();
                };
                try {
                    send(producer,
                            new ProducerRecord<>(f[0], f[1].equals("-") ? null : Integer.valueOf(f[1]),
                                    f[2].equals("-") ? null : Long.valueOf(f[2]), bytes(f[3]), bytes(f[4]), headers),
                            callback);
                } catch (IllegalArgumentException e) { callback.onCompletion(null, e); }
            }
        }
        return 0;
    }

    int stream() throws InterruptedException {
        String topic = options.get("--topic"), prefix = option("--prefix", "0");
        long records = number("--records", -1), keys = number("--keys", 0), first = number("--first", 0);
        double rate = number("--throughput", -1);
        int size = (int) number("--value-size", 0);
        var window = new Semaphore((int) number("--window", 100000));
        var acked = new AtomicLong();
        var failed = new AtomicLong();
        long sent = 0, begin = System.nanoTime();
        try (var producer = producer()) {
            for (; sent != records && !stopping; ++sent) {
                window.acquire();
                if (rate > 0) {
                    long ahead = begin + (long) (sent / rate * 1e9) - System.nanoTime();
                    if (ahead > 1_000_000) {
                        synchronized (out) { out.flush(); }
                        Thread.sleep(ahead / 1_000_000);
                    }
                }
                long id = first + sent;
                String value = prefix + "." + id;
                if (value.length() < size)
                    value += "|"
                            + "x".repeat(size - value.length() - 1);
                byte[] key = keys == 0 ? null : ("key-" + id % keys).getBytes();
                send(producer, new ProducerRecord<>(topic, null, null, key, value.getBytes()), (m, e) -> {
                    report(id, m, e);
                    (e == null ? acked : failed).incrementAndGet();
                    window.release();
                });
            }
        }
        synchronized (out) { out.println("done\t" + sent + '\t' + acked + '\t' + failed); }
        return failed.get() == 0 ? 0 : 1;
    }

    static String quote(String s) { return '"' + s.replace("\\", "\\\\").replace("\"", "\\\"") + '"'; }

    int console() throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.ISO_8859_1), 1 << 16);
        String topic = options.get("--topic"), separator = properties.getProperty("key.separator", "\t");
        boolean keyed = Boolean.parseBoolean((String) properties.remove("parse.key"));
        properties.remove("key.separator");
        var pending = new ArrayDeque<Map.Entry<Long, java.util.concurrent.Future<RecordMetadata>>>();
        long number = 0;
        boolean good = true;
        try (var producer = producer()) {
            for (String line; (line = in.readLine()) != null && !stopping;) {
                byte[] key = null;
                if (keyed) {
                    int at = line.indexOf(separator);
                    key = line.substring(0, at).getBytes(StandardCharsets.ISO_8859_1);
                    line = line.substring(at + separator.length());
                }
                pending.add(Map.entry(++number,
                        producer.send(new ProducerRecord<>(topic, key, line.getBytes(StandardCharsets.ISO_8859_1)))));
                if (pending.size() > 50000) good &= print(topic, pending.remove());
            }
            while (!pending.isEmpty()) good &= print(topic, pending.remove());
        }
        return good ? 0 : 1;
    }

    static boolean print(String topic, Map.Entry<Long, java.util.concurrent.Future<RecordMetadata>> e)
            throws Exception {
        try {
            var m = e.getValue().get();
            out.println("{\"line\":" + e.getKey() + ",\"topic\":" + quote(topic) + ",\"partition\":" + m.partition()
                    + ",\"offset\":" + m.offset() + ",\"timestamp\":" + m.timestamp() + "}");
            return true;
        } catch (java.util.concurrent.ExecutionException x) {
            var c = (Exception) x.getCause();
            out.println("{\"line\":" + e.getKey() + ",\"error\":" + quote(name(c))
                    + ",\"persisted\":" + quote(persisted(c)) + ",\"message\":" + quote(text(c)) + "}");
            return false;
        }
    }
}
