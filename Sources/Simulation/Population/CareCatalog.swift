/// A vaccine of the simulation: CVX code and name as Synthea writes them.
struct Vaccine: Sendable {
  let text: StaticString
  /// Ages in years at which a check-up may give it.
  let ages: Range<Double>
  let chance: Double
  var isPandemic = false

  static let all = [
    Vaccine(text: "140,Influenza  seasonal  injectable  preservative free", ages: 0.5..<120, chance: 0.5),
    Vaccine(text: "20,DTaP", ages: 0.1..<1.6, chance: 0.6),
    Vaccine(text: "10,IPV", ages: 0.1..<1.6, chance: 0.5),
    Vaccine(text: "49,Hib (PRP-OMP)", ages: 0.1..<1.4, chance: 0.5),
    Vaccine(text: "08,Hep B  adolescent or pediatric", ages: 0..<1, chance: 0.6),
    Vaccine(text: "133,Pneumococcal conjugate PCV 13", ages: 0.1..<1.4, chance: 0.6),
    Vaccine(text: "03,MMR", ages: 1..<2, chance: 0.7),
    Vaccine(text: "21,varicella", ages: 1..<2, chance: 0.7),
    Vaccine(text: "115,Tdap", ages: 11..<13, chance: 0.7),
    Vaccine(text: "114,meningococcal MCV4P", ages: 11..<13, chance: 0.6),
    Vaccine(text: "62,HPV  quadrivalent", ages: 11..<14, chance: 0.5),
    Vaccine(text: "113,Td (adult) preservative free", ages: 18..<120, chance: 0.1),
    Vaccine(text: "121,zoster", ages: 50..<120, chance: 0.08),
    Vaccine(text: "33,pneumococcal polysaccharide vaccine  23 valent", ages: 65..<120, chance: 0.12),
    Vaccine(
      text: "208,SARS-COV-2 (COVID-19) vaccine  mRNA  spike protein  LNP  preservative free  30 mcg/0.3mL dose",
      ages: 12..<120, chance: 0.25, isPandemic: true),
  ]
}

/// What people are allergic to: the columns CODE to SEVERITY2 of allergies.csv.
enum Allergen {
  static let all: [StaticString] = [
    "260147004,SNOMED-CT,House dust mite (organism),allergy,environment,878820003,Rhinoconjunctivitis (disorder),MILD,,,",
    "256277009,SNOMED-CT,Grass pollen (substance),allergy,environment,878820003,Rhinoconjunctivitis (disorder),MODERATE,,,",
    "782576004,SNOMED-CT,Tree pollen (substance),allergy,environment,76067001,Sneezing,MILD,,,",
    "264287008,SNOMED-CT,Animal dander (substance),allergy,environment,247472004,Wheal (finding),MILD,,,",
    "84489001,SNOMED-CT,Mold (organism),allergy,environment,76067001,Sneezing,MILD,,,",
    "288328004,SNOMED-CT,Bee venom (substance),allergy,environment,39579001,Anaphylaxis (disorder),SEVERE,,,",
    "3718001,SNOMED-CT,Cow's milk (substance),allergy,food,247472004,Wheal (finding),MILD,,,",
    "735029006,SNOMED-CT,Shellfish (substance),allergy,food,402387002,Allergic angioedema (disorder),MODERATE,,,",
    "735971005,SNOMED-CT,Fish (substance),allergy,food,271807003,Eruption of skin (disorder),MILD,,,",
    "412071004,SNOMED-CT,Wheat (substance),allergy,food,,,,,,",
    "1191,RxNorm,Aspirin,allergy,medication,21522001,Abdominal pain (finding),MODERATE,,,",
    "29046,RxNorm,Lisinopril,intolerance,medication,49727002,Cough (finding),MODERATE,,,",
  ]
}
