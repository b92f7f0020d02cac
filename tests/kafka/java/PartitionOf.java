import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.StringSerializer;

/** The partitions that the Java producer really sends keys to: `file` has a key a line. */
public class PartitionOf {
    static Object run(JsonNode command) throws Exception {
        var p = new Properties();
        p.put("bootstrap.servers", command.get("bootstrap").asText());
        p.put("linger.ms", "20");
        var futures = new ArrayList<Future<RecordMetadata>>();
        try (var producer = new KafkaProducer<>(p, new StringSerializer(), new StringSerializer())) {
            for (var key : Files.readAllLines(Path.of(command.get("file").asText())))
                futures.add(producer.send(new ProducerRecord<>(command.get("topic").asText(), key, "")));
        }
        var result = new ArrayList<Integer>();
        for (var f : futures) result.add(f.get().partition());
        return result;
    }
}
