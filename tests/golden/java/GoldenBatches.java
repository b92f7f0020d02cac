// Record batches by Kafka's own classes, for comparison with kurier's.
//
//   GoldenBatches write FILE COUNT SEED [uncompressed]   random batches by MemoryRecordsBuilder, as text
//   GoldenBatches check FILE   reads such a file, made by kurier: every batch must be valid, hold what the
//                              text says, and, built again here from what was read, give the same bytes
//                              (when not compressed)
//
// The text: one line for a batch,
//     B BASE_OFFSET LEADER_EPOCH ATTRIBUTES LAST_OFFSET_DELTA BASE_TIME MAX_TIME PRODUCER_ID EPOCH SEQUENCE
//       COUNT BYTES
// then one for each of its records, bytes in hexadecimal, "-" for null and "." for empty:
//     R OFFSET TIME KEY VALUE [NAME=VALUE]...

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

public class GoldenBatches
{
    static final Compression[] CODECS = {Compression.NONE, Compression.gzip().build(),
                                         Compression.snappy().build(), Compression.lz4().build(),
                                         Compression.zstd().build()};

    final Random random;
    final boolean small;

    GoldenBatches(long seed, boolean small)
    {
        random = new Random(seed);
        this.small = small;
    }

    static String text(byte[] bytes)
    {
        return bytes == null ? "-" : bytes.length == 0 ? "." : HexFormat.of().formatHex(bytes);
    }

    static byte[] bytes(ByteBuffer buffer)
    {
        if (buffer == null) return null;
        byte[] out = new byte[buffer.remaining()];
        buffer.duplicate().get(out);
        return out;
    }

    static String line(Record record)
    {
        StringBuilder line = new StringBuilder("R " + record.offset() + " " + record.timestamp() + " " +
                                               text(bytes(record.key())) + " " + text(bytes(record.value())));
        for (Header header : record.headers())
            line.append(' ')
                .append(text(header.key().getBytes(StandardCharsets.UTF_8)))
                .append('=')
                .append(text(header.value()));
        return line.toString();
    }

    static String line(RecordBatch batch, byte[] bytes)
    {
        ByteBuffer raw = ByteBuffer.wrap(bytes);
        return "B " + batch.baseOffset() + " " + batch.partitionLeaderEpoch() + " " +
            (raw.getShort(21) & 0xffff) + " " + raw.getInt(23) + " " + raw.getLong(27) + " " +
            batch.maxTimestamp() + " " + batch.producerId() + " " + batch.producerEpoch() + " " +
            batch.baseSequence() + " " + batch.countOrNull() + " " + HexFormat.of().formatHex(bytes);
    }

    byte[] randomBytes()
    {
        int size = switch (random.nextInt(12)) {
            case 0 -> -1;
            case 1 -> 0;
            case 2 -> 50 + random.nextInt(30); // where a length grows to two bytes
            case 3 -> longer();
            default -> random.nextInt(20);
        };
        if (size < 0) return null;
        byte[] out = new byte[size];
        random.nextBytes(out);
        return out;
    }

    int longer()
    { // where a length grows to three bytes, and to four
        if (small || random.nextInt(20) != 0) return random.nextInt(300);
        return random.nextInt(400) == 0 ? 1_048_000 + random.nextInt(1000) : 8100 + random.nextInt(200);
    }

    Header[] randomHeaders()
    {
        int count = random.nextInt(3) == 0 ? random.nextInt(small ? 4 : 80) : 0;
        Header[] headers = new Header[count];
        String[] names = {"", "h", "trace-id", "h", "\u00e4\u20ac\ud83d\ude00", "x".repeat(70)};
        for (int i = 0; i < count; ++i)
            headers[i] = new RecordHeader(names[random.nextInt(names.length)], randomBytes());
        return headers;
    }

    long randomTime(long base)
    {
        return switch (random.nextInt(8)) {
            case 0 -> base;
            case 1 -> Math.max(0, base - random.nextInt(100_000));
            case 2 -> base + random.nextLong(1L << 42);
            default -> base + random.nextInt(200);
        };
    }

    byte[] randomBatch(Compression codec)
    {
        boolean idempotent = random.nextBoolean();
        boolean transactional = idempotent && random.nextInt(3) == 0;
        boolean control = transactional && random.nextInt(4) == 0;
        boolean appendTime = random.nextInt(6) == 0;
        long baseOffset = random.nextInt(4) == 0 ? random.nextLong(1L << 60) : 0;
        long base = random.nextInt(20) == 0 ? 0 : 1_600_000_000_000L + random.nextInt();
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(
            ByteBuffer.allocate(1024), RecordBatch.MAGIC_VALUE_V2, codec,
            appendTime ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME, baseOffset,
            appendTime ? base : RecordBatch.NO_TIMESTAMP,
            idempotent ? random.nextLong(1L << 40) : RecordBatch.NO_PRODUCER_ID,
            idempotent ? (short)random.nextInt(32768) : RecordBatch.NO_PRODUCER_EPOCH,
            idempotent && !control ? random.nextInt(Integer.MAX_VALUE) : RecordBatch.NO_SEQUENCE,
            transactional, control,
            random.nextBoolean() ? RecordBatch.NO_PARTITION_LEADER_EPOCH : random.nextInt(1000),
            Integer.MAX_VALUE);
        if (control) {
            builder.appendEndTxnMarker(base, new EndTransactionMarker(random.nextBoolean()
                                                                          ? ControlRecordType.COMMIT
                                                                          : ControlRecordType.ABORT,
                                                                      random.nextInt(100)));
        } else {
            int count = 1 + (small                     ? random.nextInt(4)
                             : random.nextInt(10) == 0 ? random.nextInt(9000)
                                                       : random.nextInt(70));
            boolean many = count > 100;
            boolean gaps = random.nextInt(8) == 0;
            long offset = baseOffset;
            for (int i = 0; i < count; ++i) {
                builder.appendWithOffset(offset, randomTime(base), many ? null : randomBytes(),
                                         many ? new byte[] {(byte)i} : randomBytes(),
                                         many ? new Header[0] : randomHeaders());
                offset += gaps ? 1 + random.nextInt(5) : 1;
            }
        }
        return bytes(builder.build().buffer());
    }

    static void describe(PrintWriter out, byte[] bytes)
    {
        for (MutableRecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches()) {
            batch.ensureValid();
            out.println(line(batch, bytes));
            for (Record record : batch) out.println(line(record));
        }
    }

    static void write(Path file, int count, long seed, boolean small) throws IOException
    {
        GoldenBatches golden = new GoldenBatches(seed, small);
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(file))) {
            for (int i = 0; i < count; ++i)
                describe(out, golden.randomBatch(small || i % 2 == 0 ? CODECS[0] : CODECS[1 + i / 2 % 4]));
            // what compaction leaves of a batch none of whose records survived
            ByteBuffer empty = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
            DefaultRecordBatch.writeEmptyHeader(empty, RecordBatch.MAGIC_VALUE_V2, 7L, (short)3, 11, 100L,
                                                120L, 5, TimestampType.CREATE_TIME, 1234L, false, false);
            empty.flip();
            describe(out, bytes(empty));
        }
        System.out.println("Java wrote " + (count + 1) + " batches");
    }

    static byte[] rebuilt(RecordBatch batch, List<Record> records)
    {
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(
            ByteBuffer.allocate(1024), RecordBatch.MAGIC_VALUE_V2, CODECS[0], TimestampType.CREATE_TIME,
            batch.baseOffset(), RecordBatch.NO_TIMESTAMP, batch.producerId(), batch.producerEpoch(),
            batch.baseSequence(), batch.isTransactional(), batch.isControlBatch(),
            batch.partitionLeaderEpoch(), Integer.MAX_VALUE);
        for (Record record : records) builder.append(record);
        return bytes(builder.build().buffer());
    }

    static void require(boolean holds, int number, String what, String expected, String found)
    {
        if (holds) return;
        System.out.println("batch " + number + ": " + what + "\n  kurier " + expected + "\n  Java   " +
                           found);
        System.exit(1);
    }

    static void check(Path file) throws IOException
    {
        int batches = 0;
        int records = 0;
        try (BufferedReader in = Files.newBufferedReader(file)) {
            for (String line = in.readLine(); line != null;) {
                byte[] bytes = HexFormat.of().parseHex(line.substring(line.lastIndexOf(' ') + 1));
                Iterator<MutableRecordBatch> found =
                    MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches().iterator();
                require(found.hasNext(), batches, "no batch", line, "");
                MutableRecordBatch batch = found.next();
                batch.ensureValid();
                require(line.equals(line(batch, bytes)), batches, "header", line, line(batch, bytes));
                List<Record> all = new ArrayList<>();
                for (Record record : batch) {
                    record.ensureValid();
                    line = in.readLine();
                    require(line(record).equals(line), batches, "record", line, line(record));
                    all.add(record);
                    ++records;
                }
                String again = text(rebuilt(batch, all));
                require(batch.isCompressed() || again.equals(text(bytes)), batches, "built again",
                        text(bytes), again);
                ++batches;
                line = in.readLine();
                require(line == null || line.startsWith("B "), batches, "more records than Java finds", line,
                        "");
            }
        }
        System.out.println("Java read " + batches + " batches of " + records +
                           " records, as kurier wrote them");
    }

    public static void main(String[] args) throws IOException
    {
        if (args[0].equals("write"))
            write(Path.of(args[1]), Integer.parseInt(args[2]), Long.parseLong(args[3]), args.length > 4);
        else
            check(Path.of(args[1]));
    }
}
