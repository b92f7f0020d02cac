import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** One JVM for all that the tests ask of Kafka's own clients: a JSON object a line in, one out. */
public class Daemon {
    static final ObjectMapper json = new ObjectMapper();

    static Object perform(JsonNode command) throws Exception {
        switch (command.get("do").asText()) {
            case "read": return ReadBack.read(command);
            case "summary": return ReadBack.summary(command);
            case "deserialize": return Deserialize.run(command);
            case "partition_of": return PartitionOf.run(command);
            default: return Admin.run(command);
        }
    }

    static String describe(Throwable e) {
        while (e instanceof java.util.concurrent.ExecutionException && e.getCause() != null) e = e.getCause();
        return e.getClass().getSimpleName() + ": " + e.getMessage();
    }

    public static void main(String[] args) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        System.setOut(System.err); // so that nothing else writes between the answers
        for (String line; (line = in.readLine()) != null;) {
            Object answer;
            try {
                Object result = perform(json.readTree(line));
                answer = Map.of("ok", result == null ? true : result);
            } catch (Throwable e) { answer = Map.of("error", describe(e)); }
            out.println(json.writeValueAsString(answer));
        }
        System.exit(0);
    }
}
