import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * HL7's own validator over resources in NDJSON, with the definitions of R4 that come with it: no terminology
 * server, no packages. It prints each error once, with where it was first and how often, and what was validated.
 *
 * <p>java Validate FILE... ends with 1 if there is an error or nothing to validate.
 */
public class Validate {
	private final FhirValidator validator;
	private final Map<String, Integer> validated = new TreeMap<>();
	private final Map<String, Finding> errors = new TreeMap<>();
	private final Map<String, Finding> warnings = new TreeMap<>();

	private record Finding(String first, int times) {}

	Validate() {
		FhirContext r4 = FhirContext.forR4();
		FhirInstanceValidator instances = new FhirInstanceValidator(new ValidationSupportChain(
				new DefaultProfileValidationSupport(r4),
				new CommonCodeSystemsTerminologyService(r4),
				new InMemoryTerminologyServerValidationSupport(r4)));
		instances.setAnyExtensionsAllowed(false);
		validator = r4.newValidator().registerValidatorModule(instances);
	}

	public static void main(String[] files) throws Exception {
		Validate v = new Validate();
		for (String file : files) {
			List<String> lines = Files.readAllLines(Path.of(file));
			for (int i = 0; i < lines.size(); i++) {
				if (!lines.get(i).isBlank()) {
					v.resource(file + ":" + (i + 1), lines.get(i));
				}
			}
		}
		v.report("warning", v.warnings);
		v.report("error", v.errors);
		System.out.println("validated " + v.validated + ": " + v.errors.size() + " kinds of errors, " + v.warnings.size() + " of warnings");
		System.exit(v.validated.isEmpty() || !v.errors.isEmpty() ? 1 : 0);
	}

	private void resource(String where, String json) {
		ValidationResult result = validator.validateWithResult(json);
		String type = json.replaceFirst("(?s).*?\"resourceType\"\\s*:\\s*\"(\\w+)\".*", "$1");
		validated.merge(type, 1, Integer::sum);
		for (SingleValidationMessage m : result.getMessages()) {
			Map<String, Finding> list = switch (m.getSeverity()) {
				case FATAL, ERROR -> errors;
				case WARNING -> warnings;
				default -> null;
			};
			if (list != null && !(list == warnings && expected(m.getMessage()))) {
				String what = m.getLocationString() + ": " + m.getMessage();
				list.merge(what, new Finding(where, 1), (known, one) -> new Finding(known.first, known.times + 1));
			}
		}
	}

	/** What is meant so: resources have no narrative, and there are codes of our own. */
	private static boolean expected(String warning) {
		return warning.contains("dom-6") || warning.matches("CodeSystem is unknown.*: (urn:fhirbridge:|https://fhirbridge\\.dev/).*");
	}

	private void report(String severity, Map<String, Finding> found) {
		found.forEach((what, f) -> System.out.println(severity + ", " + f.times + " times, first in " + f.first + ": " + what));
	}
}
