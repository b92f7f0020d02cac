import com.fasterxml.jackson.databind.JsonNode;
import java.util.*;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;

/** Topics, partitions, configurations, quotas, leaders, by Kafka's admin client; one client for each cluster. */
public class Admin {
    static final Map<String, org.apache.kafka.clients.admin.Admin> clients = new HashMap<>();

    static org.apache.kafka.clients.admin.Admin client(JsonNode command) {
        return clients.computeIfAbsent(command.get("bootstrap").asText(), bootstrap -> {
            var p = new Properties();
            p.put("bootstrap.servers", bootstrap);
            p.put("request.timeout.ms", "5000");
            p.put("default.api.timeout.ms", "30000");
            p.put("reconnect.backoff.max.ms", "200");
            return org.apache.kafka.clients.admin.Admin.create(p);
        });
    }

    static <T> T get(KafkaFuture<T> future) throws Exception { return future.get(40, TimeUnit.SECONDS); }

    static List<Integer> integers(JsonNode list) {
        var result = new ArrayList<Integer>();
        list.forEach(n -> result.add(n.asInt()));
        return result;
    }

    static Object run(JsonNode c) throws Exception {
        var admin = client(c);
        String topic = c.path("topic").asText(null);
        switch (c.get("do").asText()) {
            case "create_topic": return create(admin, c, topic);
            case "delete_topic": return get(admin.deleteTopics(List.of(topic)).all());
            case "add_partitions":
                return get(
                        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(c.get("partitions").asInt())))
                                .all());
            case "topic_config":
                return alter(admin, new ConfigResource(ConfigResource.Type.TOPIC, topic), c.get("configs"));
            case "broker_config":
                return alter(admin, new ConfigResource(ConfigResource.Type.BROKER, ""), c.get("configs"));
            case "quota": return quota(admin, c);
            case "describe": return describe(admin, topic);
            case "end_offset": {
                var partition = new TopicPartition(topic, c.get("partition").asInt());
                return get(admin.listOffsets(Map.of(partition, OffsetSpec.latest())).partitionResult(partition))
                        .offset();
            }
            case "controller": return get(admin.describeMetadataQuorum().quorumInfo()).leaderId();
            case "reassign": return reassign(admin, c, topic);
            case "elect": return elect(admin, c, topic);
            case "delete_records":
                return get(admin.deleteRecords(Map.of(new TopicPartition(topic, c.get("partition").asInt()),
                                                       RecordsToDelete.beforeOffset(c.get("before").asLong())))
                                .all());
            case "forget": {
                var old = clients.remove(c.get("bootstrap").asText());
                old.close(java.time.Duration.ZERO);
                return null;
            }
            default: throw new IllegalArgumentException("unknown command " + c);
        }
    }

    static Object create(org.apache.kafka.clients.admin.Admin admin, JsonNode c, String topic) throws Exception {
        NewTopic made;
        if (c.has("assignment")) {
            var replicas = new HashMap<Integer, List<Integer>>();
            for (int p = 0; p < c.get("assignment").size(); ++p)
                replicas.put(p, integers(c.get("assignment").get(p)));
            made = new NewTopic(topic, replicas);
        } else {
            made = new NewTopic(topic, c.path("partitions").asInt(1), (short) c.path("replicas").asInt(1));
        }
        var configs = new HashMap<String, String>();
        c.path("configs").properties().forEach(e -> configs.put(e.getKey(), e.getValue().asText()));
        get(admin.createTopics(List.of(made.configs(configs))).all());
        return null;
    }

    static Object alter(org.apache.kafka.clients.admin.Admin admin, ConfigResource what, JsonNode configs)
            throws Exception {
        var ops = new ArrayList<AlterConfigOp>();
        configs.properties().forEach(e
                -> ops.add(new AlterConfigOp(
                        new ConfigEntry(e.getKey(), e.getValue().isNull() ? "" : e.getValue().asText()),
                        e.getValue().isNull() ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET)));
        return get(admin.incrementalAlterConfigs(Map.of(what, ops)).all());
    }

    static Object quota(org.apache.kafka.clients.admin.Admin admin, JsonNode c) throws Exception {
        var who = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, c.get("client").asText()));
        var rate = c.path("rate");
        var op = new ClientQuotaAlteration.Op("producer_byte_rate", rate.isNumber() ? rate.asDouble() : null);
        return get(admin.alterClientQuotas(List.of(new ClientQuotaAlteration(who, List.of(op)))).all());
    }

    static Object describe(org.apache.kafka.clients.admin.Admin admin, String topic) throws Exception {
        var t = get(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic);
        var partitions = new ArrayList<Object>();
        for (var p : t.partitions())
            partitions.add(Map.of("leader", p.leader() == null ? -1 : p.leader().id(), "replicas",
                    p.replicas().stream().map(Node::id).toList(), "isr", p.isr().stream().map(Node::id).toList()));
        return Map.of("id", t.topicId().toString(), "partitions", partitions);
    }

    static Object reassign(org.apache.kafka.clients.admin.Admin admin, JsonNode c, String topic) throws Exception {
        var target = Optional.of(new NewPartitionReassignment(integers(c.get("replicas"))));
        return get(admin.alterPartitionReassignments(
                                Map.of(new TopicPartition(topic, c.get("partition").asInt()), target))
                        .all());
    }

    static Object elect(org.apache.kafka.clients.admin.Admin admin, JsonNode c, String topic) throws Exception {
        var partitions = new HashSet<TopicPartition>();
        for (int p : integers(c.get("partitions"))) partitions.add(new TopicPartition(topic, p));
        var result = get(admin.electLeaders(ElectionType.PREFERRED, partitions).partitions());
        var errors = new HashMap<String, String>();
        result.forEach((p, e) -> e.ifPresent(x -> errors.put(p.toString(), x.toString())));
        return errors;
    }
}
