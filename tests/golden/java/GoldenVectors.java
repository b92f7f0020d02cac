// Messages as Kafka's own generated classes write them, and whether those classes read what kurier wrote.
//
//   GoldenVectors write FILE COUNT SEED KEY:LOW-HIGH...   COUNT random messages of each API, version and direction
//   GoldenVectors check FILE                              reads every message, writes it again, compares the bytes
//
// A line of a file is one message: request|response KEY VERSION HEX.

import java.io.BufferedReader;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.ArrayOf;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.CompactArrayOf;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

public class GoldenVectors {
    static Random random;

    static int oneOf(int... values) {
        return values[random.nextInt(values.length)];
    }

    static boolean chance(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    static long number(long min, long max) {
        switch (random.nextInt(8)) {
            case 0: return min;
            case 1: return max;
            case 2: return -1;
            case 3: return 0;
            default: return random.nextLong();
        }
    }

    static String text() {
        String[] characters = {"a", "Z", "0", "-", "_", ".", " ", "\t", "\u0000", "é", "Ж", "€", "漢", "😀"};
        StringBuilder made = new StringBuilder();
        int size = chance(40) ? oneOf(126, 127, 128, 300) : random.nextInt(16);
        for (int i = 0; i < size; ++i)
            made.append(chance(2) ? "x" : characters[random.nextInt(characters.length)]);
        return made.toString();
    }

    // Any value of a type; the types know what a version has and what it may leave out.
    static Object value(Type type) {
        if (type instanceof Schema) return struct((Schema) type);
        if (type instanceof ArrayOf) return array(type.arrayElementType().get(), type.isNullable());
        if (type instanceof CompactArrayOf) return array(type.arrayElementType().get(), type.isNullable());
        if (type instanceof TaggedFields) return tagged((TaggedFields) type);
        if (type.isNullable() && chance(4)) return null;
        switch (type.toString()) {
            case "BOOLEAN": return random.nextBoolean();
            case "INT8": return (byte) number(Byte.MIN_VALUE, Byte.MAX_VALUE);
            case "INT16": return (short) number(Short.MIN_VALUE, Short.MAX_VALUE);
            case "INT32": return (int) number(Integer.MIN_VALUE, Integer.MAX_VALUE);
            case "INT64": return number(Long.MIN_VALUE, Long.MAX_VALUE);
            case "UUID": return chance(4) ? Uuid.ZERO_UUID : new Uuid(random.nextLong(), random.nextLong());
            case "STRING": case "COMPACT_STRING": case "NULLABLE_STRING": case "COMPACT_NULLABLE_STRING":
                return text();
            case "BYTES": case "COMPACT_BYTES": return ByteBuffer.wrap(bytes());
            case "RECORDS": case "NULLABLE_RECORDS": return records(Type.RECORDS, ByteBuffer::putInt, 0);
            case "COMPACT_RECORDS": case "COMPACT_NULLABLE_RECORDS":
                return records(Type.COMPACT_RECORDS, (buffer, size) -> buffer.put((byte) (int) size), 1);
            default: throw new IllegalArgumentException("no value for " + type);
        }
    }

    static byte[] bytes() {
        byte[] bytes = new byte[random.nextInt(100)];
        random.nextBytes(bytes);
        return bytes;
    }

    // The classes of records move from package to package; their types make them whatever they are called.
    static Object records(Type type, java.util.function.BiFunction<ByteBuffer, Integer, ByteBuffer> length, int more) {
        byte[] bytes = bytes();
        ByteBuffer buffer = ByteBuffer.allocate(bytes.length + 4);
        length.apply(buffer, bytes.length + more);
        return type.read(buffer.put(bytes).flip());
    }

    static Object[] array(Type element, boolean nullable) {
        if (nullable && chance(5)) return null;
        Object[] made = new Object[oneOf(0, 1, 1, 2, 3)];
        Arrays.setAll(made, i -> value(element));
        return made;
    }

    static Struct struct(Schema schema) {
        Struct made = new Struct(schema);
        for (BoundField field : schema.fields())
            made.set(field, value(field.def.type));
        return made;
    }

    static Map<Integer, Object> tagged(TaggedFields type) {
        Map<Integer, Object> made = new TreeMap<>();
        for (Map.Entry<Integer, Field> field : type.fields().entrySet())
            if (chance(2)) made.put(field.getKey(), value(field.getValue().type));
        return made;
    }

    static ApiMessage read(boolean request, short key, short version, byte[] bytes) {
        ApiMessageType type = ApiMessageType.fromApiKey(key);
        ApiMessage message = request ? type.newRequest() : type.newResponse();
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        message.read(new ByteBufferAccessor(buffer), version);
        if (buffer.hasRemaining()) throw new IllegalStateException(buffer.remaining() + " bytes are left over");
        if (hasUnknownTags(message)) throw new IllegalStateException("a tag that Kafka doesn't know");
        return message;
    }

    static boolean hasUnknownTags(ApiMessage message) {
        return message.unknownTaggedFields() != null && !message.unknownTaggedFields().isEmpty();
    }

    static byte[] write(ApiMessage message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining()) throw new IllegalStateException("smaller than its size");
        return buffer.array();
    }

    // Each version has random numbers of its own, so that the file's other lines stay when one is added.
    static void writeAll(PrintWriter out, boolean request, short key, short low, short high, int count, long seed) {
        ApiMessageType type = ApiMessageType.fromApiKey(key);
        Schema[] schemas = request ? type.requestSchemas() : type.responseSchemas();
        for (short version = low; version <= high; ++version) {
            if (version >= schemas.length || schemas[version] == null) {
                System.out.println("this Kafka has no " + type + " " + (request ? "request" : "response") + " version "
                    + version);
                continue;
            }
            random = new Random(seed ^ ((key * 100L + version) * 2 + (request ? 1 : 0)) * 0x9e3779b97f4a7c15L);
            for (int i = 0; i < count; ++i) {
                Struct struct = struct(schemas[version]);
                ByteBuffer buffer = ByteBuffer.allocate(struct.sizeOf());
                struct.writeTo(buffer);
                byte[] canonical = write(read(request, key, version, buffer.array()), version); // leaves out defaults
                out.println((request ? "request " : "response ") + key + " " + version + " "
                    + HexFormat.of().formatHex(canonical));
            }
        }
    }

    static int check(Path file) throws Exception {
        int good = 0, bad = 0, unknown = 0;
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("#")) continue;
                String[] parts = line.split(" ", -1);
                boolean request = parts[0].equals("request");
                short key = Short.parseShort(parts[1]);
                short version = Short.parseShort(parts[2]);
                if (version > ApiMessageType.fromApiKey(key).highestSupportedVersion(true)) {
                    ++unknown;
                    continue;
                }
                byte[] bytes = HexFormat.of().parseHex(parts[3]);
                String problem = null;
                try {
                    byte[] again = write(read(request, key, version, bytes), version);
                    if (!Arrays.equals(bytes, again)) problem = "is " + HexFormat.of().formatHex(again) + " here";
                } catch (RuntimeException e) {
                    problem = e.toString();
                }
                if (problem == null) ++good;
                else if (++bad <= 10) System.out.println(line + "\n    " + problem);
            }
        }
        if (unknown > 0) System.out.println(unknown + " messages in versions that this Kafka lacks: not checked");
        System.out.println("Java reads kurier's messages: " + good + " passed, " + bad + " failed");
        return bad == 0 && good > 0 ? 0 : 1;
    }

    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[1]);
        if (args[0].equals("check")) System.exit(check(file));
        int count = Integer.parseInt(args[2]);
        long seed = Long.parseLong(args[3]);
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(file))) {
            for (String api : Arrays.asList(args).subList(4, args.length)) {
                String[] parts = api.split("[:-]");
                short key = Short.parseShort(parts[0]), low = Short.parseShort(parts[1]), high = Short.parseShort(parts[2]);
                writeAll(out, true, key, low, high, count, seed);
                writeAll(out, false, key, low, high, count, seed);
            }
        }
    }
}
