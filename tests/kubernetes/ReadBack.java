import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.type.LogicalType;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.File;
import java.io.IOException;
import java.util.Map;

/** Reads the documents of YAML files into the model classes of their kinds, and prints a line for each: file, kind, what is wrong. */
class ReadBack {
    static final Map<String, Class<?>> CLASSES = Map.of(
        "Deployment", io.fabric8.kubernetes.api.model.apps.Deployment.class,
        "Job", io.fabric8.kubernetes.api.model.batch.v1.Job.class,
        "Service", io.fabric8.kubernetes.api.model.Service.class,
        "PodDisruptionBudget", io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget.class,
        "NetworkPolicy", io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy.class,
        "KafkaTopic", io.strimzi.api.kafka.model.topic.KafkaTopic.class,
        "KafkaUser", io.strimzi.api.kafka.model.user.KafkaUser.class,
        "KafkaConnect", io.strimzi.api.kafka.model.connect.KafkaConnect.class,
        "KafkaConnector", io.strimzi.api.kafka.model.connector.KafkaConnector.class);

    public static void main(String[] files) throws IOException {
        ObjectMapper mapper = strict();
        for (String file : files) {
            try (var documents = mapper.readerFor(JsonNode.class).readValues(new File(file))) {
                while (documents.hasNext()) {
                    JsonNode document = (JsonNode) documents.next();
                    String kind = document.path("kind").asText();
                    System.out.println(new File(file).getName() + ": " + kind + " " + problemOf(mapper, CLASSES.get(kind), document));
                }
            }
        }
    }

    static String problemOf(ObjectMapper mapper, Class<?> model, JsonNode document) {
        if (model == null) return "has no model here";
        try {
            mapper.treeToValue(document, model);
            return "ok";
        } catch (JsonProcessingException problem) {
            return problem.getMessage().replaceAll("\\s+", " ");
        }
    }

    static ObjectMapper strict() {
        ObjectMapper mapper = YAMLMapper.builder(new YAMLFactory())
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .withCoercionConfig(LogicalType.Textual,
                textual -> textual.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail))
            .build();
        // The classes keep the fields that they do not know: here nobody is to.
        mapper.setAnnotationIntrospector(new JacksonAnnotationIntrospector() {
            @Override
            public Boolean hasAnySetter(Annotated annotated) {
                return false;
            }
        });
        return mapper;
    }
}
