// What Kafka's own Compression classes make of known data, and whether they read what kurier wrote.
//
//   GoldenCompression vectors FILE   small vectors as text, for the unit tests: codec level kind size hex
//   GoldenCompression write DIR      a file CODEC.LEVEL.KIND.SIZE for many sizes and levels
//   GoldenCompression check DIR      reads every such file and compares with the data

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

public class GoldenCompression {
    static final byte MAGIC_V2 = 2;

    // The same generators are in tests/unit/compression/golden_data.hpp.
    static byte[] data(String kind, int size) {
        byte[] out = new byte[size];
        long state = 1;
        int at = 0;
        for (int line = 0; at < size; ++line) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            long random = state >>> 33;
            byte[] part;
            if (kind.equals("noise") || kind.equals("mixed") && line / 3000 % 2 == 1)
                part = new byte[] {(byte) random, (byte) (random >>> 8), (byte) (random >>> 16)};
            else
                part = ("line " + line + " of a log that tells the same again, status " + random % 3 + "\n")
                    .getBytes(StandardCharsets.US_ASCII);
            int take = Math.min(part.length, size - at);
            System.arraycopy(part, 0, out, at, take);
            at += take;
        }
        return out;
    }

    static Compression codec(String name, int level) {
        switch (name) {
            case "gzip": return Compression.gzip().level(level).build();
            case "snappy": return Compression.snappy().build();
            case "lz4": return Compression.lz4().level(level).build();
            case "zstd": return Compression.zstd().level(level).build();
            default: throw new IllegalArgumentException(name);
        }
    }

    static byte[] compress(String name, int level, byte[] data) throws IOException {
        ByteBufferOutputStream buffer = new ByteBufferOutputStream(512);
        try (OutputStream out = codec(name, level).wrapForOutput(buffer, MAGIC_V2)) {
            // in pieces, as a producer appends records
            for (int at = 0; at < data.length; at += 1000)
                out.write(data, at, Math.min(1000, data.length - at));
        }
        ByteBuffer written = buffer.buffer();
        written.flip();
        byte[] bytes = new byte[written.remaining()];
        written.get(bytes);
        return bytes;
    }

    static byte[] decompress(String name, int level, byte[] packed) throws IOException {
        try (InputStream in = codec(name, level).wrapForInput(ByteBuffer.wrap(packed), MAGIC_V2,
                                                             BufferSupplier.create())) {
            return in.readAllBytes();
        }
    }

    static int[] levels(String name) {
        switch (name) {
            case "gzip": return new int[] {-1, 1, 9};
            case "lz4": return new int[] {9, 1, 12, 17};
            case "zstd": return new int[] {3, -5, 1, 19};
            default: return new int[] {0};
        }
    }

    static void vectors(Path file) throws IOException {
        List<String> lines = new ArrayList<>();
        for (String name : List.of("gzip", "snappy", "lz4", "zstd"))
            for (int level : levels(name))
                for (String kind : List.of("text", "noise"))
                    for (int size : kind.equals("text") ? new int[] {0, 1, 300, 70000} : new int[] {2, 1000}) {
                        byte[] data = data(kind, size);
                        byte[] packed = compress(name, level, data);
                        if (!Arrays.equals(decompress(name, level, packed), data))
                            throw new IllegalStateException("Kafka doesn't read its own " + name);
                        lines.add(name + " " + level + " " + kind + " " + size + " " +
                                  HexFormat.of().formatHex(packed));
                    }
        Files.write(file, lines);
    }

    static void write(Path directory) throws IOException {
        int count = 0;
        for (String name : List.of("gzip", "snappy", "lz4", "zstd"))
            for (int level : levels(name))
                for (String kind : List.of("text", "noise", "mixed"))
                    for (int size : new int[] {0, 1, 15, 1000, 32767, 32768, 32769, 65535, 65536, 65537, 1000000,
                                               10485760}) {
                        byte[] packed = compress(name, level, data(kind, size));
                        Files.write(directory.resolve(name + "." + level + "." + kind + "." + size), packed);
                        ++count;
                    }
        System.out.println("Java wrote " + count + " files");
    }

    static void check(Path directory) throws IOException {
        int count = 0;
        try (var files = Files.list(directory)) {
            for (Path file : (Iterable<Path>) files.sorted()::iterator) {
                String[] parts = file.getFileName().toString().split("\\.");
                byte[] expected = data(parts[2], Integer.parseInt(parts[3]));
                byte[] read;
                try {
                    read = decompress(parts[0], Integer.parseInt(parts[1]), Files.readAllBytes(file));
                } catch (IOException | RuntimeException e) {
                    throw new IllegalStateException(file + ": " + e, e);
                }
                if (!Arrays.equals(read, expected))
                    throw new IllegalStateException(file + ": other data");
                ++count;
            }
        }
        if (count == 0)
            throw new IllegalStateException("nothing in " + directory);
        System.out.println("Java read " + count + " files of kurier's");
    }

    public static void main(String[] args) throws IOException {
        Path path = Path.of(args[1]);
        switch (args[0]) {
            case "vectors": vectors(path); break;
            case "write": write(path); break;
            case "check": check(path); break;
            default: throw new IllegalArgumentException(args[0]);
        }
    }
}
