import Clinical

/// What is billed: a visit or a medication.
struct Bill {
  let meeting: Meeting
  let cents: Int
  let covered: Int
  let diagnosis: Disease?
  let isInstitutional: Bool
  /// Code and words of what was done.
  let item: (code: String, description: String)
}

extension PatientHistory {
  /// Number of the department: paediatrics or adults, as Synthea counts.
  private var department: Int { person.ageYears < 18 ? 10 : 20 }

  /// A claim with its transactions: the charge, what the payer pays, and the rest that goes over to the patient.
  mutating func writeClaim(_ bill: Bill, _ files: PopulationFiles) throws(SimulationError) {
    let claim = SimulatedUUID(random: &care)
    let visit = bill.meeting.visit
    try files.claims.row { row in
      row.write(claim)
      row.comma()
      row.write(person.identifier)
      row.comma()
      row.write(bill.meeting.provider.identifier)
      row.comma()
      row.writePayer(payer)
      row.write(",0,")
      row.write(department)
      row.comma()
      row.write(department)
      row.comma()
      if let diagnosis = bill.diagnosis { row.write(text: diagnosis.code) }
      row.write(",,,,,,,,,")
      row.write(bill.meeting.encounter)
      row.comma()
      row.write(timestampSeconds: visit.start)
      row.comma()
      row.write(timestampSeconds: visit.start)
      row.comma()
      row.write(bill.meeting.provider.identifier)
      row.write(",CLOSED,,CLOSED,0,,0,")
      row.write(timestampSeconds: bill.meeting.end)
      row.write(",,")
      row.write(timestampSeconds: bill.meeting.end)
      row.write(bill.isInstitutional ? ",2,0\n" : ",1,0\n")
    }
    try writeTransactions(of: claim, bill, files)
  }

  private mutating func writeTransactions(
    of claim: SimulatedUUID, _ bill: Bill, _ files: PopulationFiles
  ) throws(SimulationError) {
    let rest = bill.cents - bill.covered
    var transactions = [Transaction(type: "CHARGE", amount: bill.cents, unit: bill.cents)]
    if bill.covered > 0 {
      transactions.append(Transaction(type: "PAYMENT", method: "ECHECK", payment: bill.covered, outstanding: rest))
    }
    if rest > 0 {
      if bill.covered > 0 {
        transactions.append(Transaction(type: "TRANSFEROUT", party: "1", transfer: rest, outstanding: rest))
        transactions.append(
          Transaction(type: "TRANSFERIN", amount: rest, party: "p", transfer: rest, outstanding: rest))
      }
      let method: StaticString = care.chance(0.5) ? "CC" : "CASH"
      transactions.append(Transaction(type: "PAYMENT", method: method, payment: rest, outstanding: 0))
    }
    for (number, transaction) in transactions.enumerated() {
      let identifier = SimulatedUUID(random: &care)
      try files.claimsTransactions.row { row in
        row.write(identifier)
        row.comma()
        row.write(claim)
        row.comma()
        row.write(number)
        row.comma()
        row.write(person.identifier)
        row.comma()
        transaction.writeMoney(&row)
        writeTransactionPlace(&row, bill)
        transaction.writeRest(&row)
        row.write(bill.meeting.encounter)
        row.write(",,")
        row.write(person.identifier)
        row.write(",1,")
        row.write(bill.meeting.provider.identifier)
        row.comma()
        row.write(bill.meeting.provider.identifier)
        row.endLine()
      }
    }
  }

  /// FROMDATE to NOTES.
  private func writeTransactionPlace(_ row: inout ByteCursor, _ bill: Bill) {
    row.write(timestampSeconds: bill.meeting.visit.start)
    row.comma()
    row.write(timestampSeconds: bill.meeting.end)
    row.comma()
    row.write(bill.meeting.organization.identifier)
    row.comma()
    row.write(text: bill.item.code)
    row.write(bill.diagnosis == nil ? ",,,,,,,1," : ",,,1,,,,1,")
    row.write(department)
    row.comma()
    row.write(text: bill.item.description)
    row.comma()
  }
}

/// One line of a claim's account, in cents.
private struct Transaction {
  let type: StaticString
  var method: StaticString = ""
  var amount: Int?
  var unit: Int?
  /// To or from whom money is transferred: 1 the payer, p the patient.
  var party: StaticString?
  var payment: Int?
  var transfer: Int?
  var outstanding: Int?

  /// TYPE, AMOUNT and METHOD.
  func writeMoney(_ row: inout ByteCursor) {
    row.write(type)
    row.comma()
    if let amount { row.write(cents: amount) }
    row.comma()
    row.write(method)
    row.comma()
  }

  /// UNITAMOUNT to OUTSTANDING.
  func writeRest(_ row: inout ByteCursor) {
    if let unit { row.write(cents: unit) }
    row.write(",,")
    if let party { row.write(party) }
    row.comma()
    if let payment { row.write(cents: payment) }
    row.write(",,")
    if let transfer { row.write(cents: transfer) }
    row.comma()
    if let outstanding { row.write(cents: outstanding) }
    row.comma()
  }
}

extension ByteCursor {
  mutating func comma() { write(byte: UInt8(ascii: ",")) }
  mutating func endLine() { write(byte: UInt8(ascii: "\n")) }

  /// REASONCODE and REASONDESCRIPTION, which end a row.
  mutating func writeReason(_ disease: Disease?) {
    if let disease {
      write(text: disease.code)
      comma()
      write(text: disease.description)
    } else {
      comma()
    }
    endLine()
  }

  /// A payer's identifier; 0 for nobody.
  mutating func writePayer(_ payer: Payer) {
    if payer.coveredPercent == 0 { write(byte: UInt8(ascii: "0")) } else { write(payer.identifier) }
  }
}
