/// How the resources of one FHIR R4 type become rows of one table: SQL over the resource, which is parsed once into a
/// struct `r`.
///
/// The tables are those of Synthea's CSV files, so that the same facts are the same rows whichever way they came. Mapping:
/// the project's clinical reference, section 6.1 and 6.2; the resources: https://hl7.org/fhir/R4/resourcelist.html.
struct FHIRMapping: Sendable {
  /// A column of the table.
  struct Column: Sendable {
    let name: String
    /// SQL for its text; dates and instants are read from it.
    let expression: String
    /// Whether a resource without it is no fact and goes to quarantine.
    let isRequired: Bool
  }

  /// The table's name without `synthea_`.
  let table: String
  /// The FHIR resource type.
  let resourceType: String
  /// The part of the resource that is looked at, as the argument of `json_transform`.
  let structure: String
  /// SQL expressions with names that the columns use; `unnest(…) AS v` where a resource is several rows.
  let values: String
  /// Joins that follow the resource.
  let joins: String
  /// SQL that is true for a resource that stands for nothing (any more): entered in error, cancelled, not done.
  let retracted: String
  let columns: [Column]

  /// - Parameter columns: A line per column, `name: SQL`, `name!: SQL` for a required one.
  init(
    _ table: String, _ resourceType: String, structure: [String], values: String = "", joins: String = "",
    retracted: String, columns text: String
  ) {
    self.table = table
    self.resourceType = resourceType
    self.structure = "{" + structure.joined(separator: ",") + "}"
    self.values = values
    self.joins = joins
    self.retracted = retracted
    columns = text.split(separator: "\n").map { line in
      let colon = line.firstIndex(of: ":") ?? line.endIndex
      let name = line[..<colon]
      return Column(
        name: String(name.prefix { $0 != "!" }),
        expression: line[colon...].dropFirst().trimmingPrefix(" ").description, isRequired: name.hasSuffix("!"))
    }
  }

  /// SQL functions that the mappings use; they are made once on a connection.
  static let macros = """
    CREATE OR REPLACE MACRO fhir_id(reference) AS CASE
      WHEN contains(reference, '?identifier=') THEN string_split(string_split(reference, '?identifier=')[2], '|')[-1]
      WHEN starts_with(reference, 'urn:') THEN string_split(reference, ':')[-1]
      ELSE string_split(string_split(reference, '/_history/')[1], '/')[-1] END;
    CREATE OR REPLACE MACRO fhir_instant(moment) AS TRY_CAST(CASE length(moment)
      WHEN 4 THEN moment || '-01-01' WHEN 7 THEN moment || '-01' ELSE moment END AS TIMESTAMP WITH TIME ZONE);
    CREATE OR REPLACE MACRO fhir_day(moment) AS TRY_CAST(CASE length(moment)
      WHEN 4 THEN moment || '-01-01' WHEN 7 THEN moment || '-01' ELSE left(moment, 10) END AS DATE);
    CREATE OR REPLACE MACRO fhir_pick(codings, wanted) AS
      coalesce(list_filter(codings, lambda c: c.system = wanted)[1], codings[1]);
    CREATE OR REPLACE MACRO fhir_words(concept, wanted) AS
      coalesce(fhir_pick(concept.coding, wanted).display, concept."text");
    CREATE OR REPLACE MACRO fhir_extension(extensions, address) AS
      list_filter(extensions, lambda x: x.url = address)[1];
    CREATE OR REPLACE MACRO fhir_days(duration) AS TRY_CAST(duration.value AS DOUBLE)
      * CASE coalesce(duration.code, duration.unit) WHEN 'h' THEN 1.0 / 24 WHEN 'wk' THEN 7 WHEN 'weeks' THEN 7
        WHEN 'mo' THEN 30 WHEN 'months' THEN 30 WHEN 'a' THEN 365 WHEN 'years' THEN 365 ELSE 1 END;
    """

  static let concept = #"{"coding":[{"system":"VARCHAR","code":"VARCHAR","display":"VARCHAR"}],"text":"VARCHAR"}"#
  static let reference = #"{"reference":"VARCHAR"}"#
  static let period = #"{"start":"VARCHAR","end":"VARCHAR"}"#
  static let quantity = #"{"value":"VARCHAR","unit":"VARCHAR","code":"VARCHAR","comparator":"VARCHAR"}"#
  static let snomed = "'http://snomed.info/sct'"
  static let rxnorm = "'http://www.nlm.nih.gov/research/umls/rxnorm'"

  static func member(_ names: String, _ type: String) -> String {
    names.split(separator: " ").map { "\"\($0)\":\(type)" }.joined(separator: ",")
  }

  static func text(_ names: String) -> String { member(names, "\"VARCHAR\"") }
}
