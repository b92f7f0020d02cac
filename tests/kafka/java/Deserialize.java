import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.*;
import org.apache.kafka.common.serialization.*;

/** Reads each record with the Java deserializers that its headers `key-type` and `value-type` name. */
public class Deserialize {
    static final Map<String, Deserializer<?>> deserializers = Map.of("string", new StringDeserializer(), "short",
            new ShortDeserializer(), "integer", new IntegerDeserializer(), "long", new LongDeserializer(), "float",
            new FloatDeserializer(), "double", new DoubleDeserializer(), "uuid", new UUIDDeserializer(), "bytes",
            new ByteArrayDeserializer(), "boolean", new BooleanDeserializer(), "void", new VoidDeserializer());

    static String show(String topic, byte[] type, byte[] bytes) {
        if (type == null) return "untyped";
        var name = new String(type);
        Object value = deserializers.get(name).deserialize(topic, bytes);
        if (value instanceof byte[] raw) return name + " " + HexFormat.of().formatHex(raw);
        return name + " " + value;
    }

    static byte[] header(org.apache.kafka.common.header.Headers headers, String name) {
        var h = headers.lastHeader(name);
        return h == null ? null : h.value();
    }

    static Object run(JsonNode command) throws IOException {
        var result = new ArrayList<Object>();
        ReadBack.each(command, r -> {
            String key, value;
            try {
                key = show(r.topic(), header(r.headers(), "key-type"), r.key());
            } catch (RuntimeException e) { key = e.toString(); }
            try {
                value = show(r.topic(), header(r.headers(), "value-type"), r.value());
            } catch (RuntimeException e) { value = e.toString(); }
            result.add(Map.of("partition", r.partition(), "offset", r.offset(), "timestamp", r.timestamp(), "key",
                    key, "value", value));
        });
        return result;
    }
}
