extension Disease {
  /// Diseases that begin once and stay.
  static let chronic: [Disease] = [
    Disease(
      "59621000", "Essential hypertension (disorder)",
      .chronic(prevalence: [0, 0.02, 0.08, 0.17, 0.25, 0.3]),
      [.systolicPressure: 34, .diastolicPressure: 16], remainsUnderTreatment: 0.7,
      treatment: Treatment(code: "314076", description: "lisinopril 10 MG Oral Tablet", costCents: 1_476)),
    Disease(
      "44054006", "Diabetes mellitus type 2 (disorder)",
      .chronic(prevalence: [0, 0.01, 0.04, 0.08, 0.12, 0.12]),
      [.glucose: 0.62, .bodyMassIndex: 2.5, .cholesterol: 12], remainsUnderTreatment: 0.7,
      treatment: Treatment(
        code: "860975", description: "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet",
        costCents: 2_310)),
    Disease(
      "433144002", "Chronic kidney disease stage 3 (disorder)",
      .chronic(prevalence: [0, 0.003, 0.01, 0.03, 0.07, 0.11]),
      [.creatinine: 0.72, .ureaNitrogen: 0.6, .hemoglobin: -0.9, .systolicPressure: 6, .potassium: 0.4]),
    Disease(
      "271737000", "Anemia (disorder)",
      .chronic(prevalence: [0.02, 0.03, 0.035, 0.03, 0.05, 0.08]),
      [.hemoglobin: -3.3, .heartRate: 7], remainsUnderTreatment: 0.75,
      treatment: Treatment(
        code: "310325", description: "ferrous sulfate 325 MG Oral Tablet", costCents: 640)),
    Disease(
      "185086009", "Chronic obstructive bronchitis (disorder)",
      .chronic(prevalence: [0, 0.003, 0.015, 0.045, 0.08, 0.09]),
      [.oxygenSaturation: -4.6, .heartRate: 7, .respiratoryRate: 4], remainsUnderTreatment: 0.85,
      treatment: Treatment(
        code: "896209",
        description: "60 ACTUAT Fluticasone propionate 0.25 MG/ACTUAT / salmeterol 0.05 MG/ACTUAT Dry Powder Inhaler",
        costCents: 12_450)),
    Disease(
      "88805009", "Chronic congestive heart failure (disorder)",
      .chronic(prevalence: [0, 0.001, 0.005, 0.015, 0.05, 0.09]),
      [.heartRate: 15, .oxygenSaturation: -2.8, .systolicPressure: -8, .creatinine: 0.18, .respiratoryRate: 3],
      remainsUnderTreatment: 0.85,
      treatment: Treatment(code: "313988", description: "Furosemide 40 MG Oral Tablet", costCents: 890)),
    Disease(
      "197321007", "Steatosis of liver (disorder)",
      .chronic(prevalence: [0.003, 0.02, 0.035, 0.04, 0.03, 0.02]),
      [.alanineAminotransferase: 1.0, .bodyMassIndex: 3.2, .glucose: 0.06]),
    Disease(
      "53741008", "Coronary Heart Disease",
      .chronic(prevalence: [0, 0.001, 0.006, 0.02, 0.04, 0.06]),
      [.systolicPressure: 9, .heartRate: 5, .cholesterol: 25]),
    Disease(
      "195967001", "Asthma (disorder)",
      .chronic(prevalence: [0.03, 0.02, 0.015, 0.015, 0.01, 0.01]),
      [.oxygenSaturation: -1.4, .heartRate: 4, .respiratoryRate: 2], remainsUnderTreatment: 0.9,
      treatment: Treatment(
        code: "745752",
        description: "200 ACTUAT Albuterol 0.09 MG/ACTUAT Metered Dose Inhaler", costCents: 4_820)),
  ]

  /// Diseases that bring people to an encounter and pass.
  static let acute: [Disease] = [
    Disease(
      "195662009", "Acute viral pharyngitis (disorder)", .acute(days: 5...12, weight: 16),
      [.bodyTemperature: 1.0, .heartRate: 9, .leukocytes: 0.1]),
    Disease(
      "444814009", "Viral sinusitis (disorder)", .acute(days: 7...21, weight: 14),
      [.bodyTemperature: 0.6, .heartRate: 6, .leukocytes: 0.12]),
    Disease(
      "10509002", "Acute bronchitis (disorder)", .acute(days: 7...18, weight: 13),
      [.bodyTemperature: 0.8, .heartRate: 10, .oxygenSaturation: -1.8, .leukocytes: 0.17, .respiratoryRate: 3]),
    Disease(
      "6142004", "Influenza (disorder)", .acute(days: 5...12, weight: 10),
      [.bodyTemperature: 1.9, .heartRate: 19, .oxygenSaturation: -1.3, .leukocytes: -0.08, .respiratoryRate: 3],
      treatment: Treatment(code: "313782", description: "Acetaminophen 325 MG Oral Tablet", costCents: 550)),
    Disease(
      "840539006", "COVID-19", .acute(days: 8...24, weight: 10),
      [
        .bodyTemperature: 1.4, .heartRate: 14, .oxygenSaturation: -3.6, .leukocytes: -0.16,
        .alanineAminotransferase: 0.3, .respiratoryRate: 5,
      ]),
    Disease(
      "68566005", "Urinary tract infectious disease (disorder)", .acute(days: 4...12, weight: 10),
      [.bodyTemperature: 0.8, .leukocytes: 0.34, .heartRate: 8],
      treatment: Treatment(code: "308182", description: "Amoxicillin 250 MG Oral Capsule", costCents: 1_120)),
    Disease(
      "233604007", "Pneumonia (disorder)", .acute(days: 10...28, weight: 8),
      [
        .bodyTemperature: 1.6, .heartRate: 23, .oxygenSaturation: -5.2, .leukocytes: 0.62, .respiratoryRate: 8,
        .sodium: -2,
      ],
      treatment: Treatment(
        code: "1043400",
        description: "Amoxicillin 500 MG / clavulanate 125 MG Oral Tablet", costCents: 2_270)),
    Disease(
      "74400008", "Appendicitis (disorder)", .acute(days: 4...10, weight: 4),
      [.bodyTemperature: 1.0, .leukocytes: 0.68, .heartRate: 15]),
    Disease(
      "50711007", "Viral hepatitis (disorder)", .acute(days: 20...60, weight: 3),
      [.alanineAminotransferase: 2.5, .bodyTemperature: 0.6, .heartRate: 5]),
    Disease(
      "14669001", "Acute renal failure syndrome (disorder)", .acute(days: 8...40, weight: 3),
      [.creatinine: 1.15, .ureaNitrogen: 0.9, .heartRate: 9, .potassium: 0.9, .systolicPressure: 8]),
    Disease(
      "74474003", "Gastrointestinal hemorrhage (disorder)", .acute(days: 4...14, weight: 3),
      [.hemoglobin: -4.1, .heartRate: 24, .systolicPressure: -17, .diastolicPressure: -9, .ureaNitrogen: 0.4]),
    Disease(
      "91302008", "Sepsis (disorder)", .acute(days: 8...21, weight: 2.5),
      [
        .bodyTemperature: 2.0, .heartRate: 38, .systolicPressure: -27, .diastolicPressure: -15, .leukocytes: 0.85,
        .creatinine: 0.5, .oxygenSaturation: -4.2, .respiratoryRate: 10,
      ]),
    Disease(
      "80394007", "Hyperglycemia (disorder)", .acute(days: 3...14, weight: 2.5),
      [.glucose: 1.05, .heartRate: 11, .sodium: -3, .creatinine: 0.12]),
    Disease(
      "44465007", "Sprain of ankle", .acute(days: 10...28, weight: 4),
      [.heartRate: 4, .systolicPressure: 3]),
  ]

  /// What the acute diseases' weights add up to.
  static let acuteWeight: Double = acute.reduce(0) { sum, disease in
    if case .acute(_, let weight) = disease.course { sum + weight } else { sum }
  }

  /// The position of a randomly chosen acute disease in ``acute``.
  static func randomAcute(_ random: inout SeededRandom) -> Int {
    var left = random.uniform() * acuteWeight
    for (position, disease) in acute.enumerated() {
      if case .acute(_, let weight) = disease.course {
        left -= weight
        if left < 0 { return position }
      }
    }
    return acute.count - 1
  }

  /// How severe one case of a disease is: 1 on average, skewed, never negligible and never more than 2.2.
  static func randomSeverity(_ random: inout SeededRandom) -> Float {
    Float(min(2.2, max(0.25, exponential(0.38 * random.normal() - 0.07))))
  }
}
