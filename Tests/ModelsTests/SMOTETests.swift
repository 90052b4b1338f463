import Foundation
import Models
import Testing

@Suite struct SMOTETests {
  @Test func classesBecomeEqualAndRealRowsStayFirst() throws {
    let dataset = SampleData.dataset(rows: 600, groups: 60, seed: 1)
    let balanced = try SMOTE.balance(dataset, seed: 3)
    #expect(balanced.positiveCount * 2 == balanced.rowCount)
    #expect(sameValues(balanced.values.prefix(dataset.values.count), dataset.values[...]))
  }

  @Test func syntheticRowsLieOnSegmentsBetweenNearNeighbours() throws {
    let neighbours = 5
    var dataset = Dataset(features: ["a", "b", "c"])
    var generator = TestGenerator(state: 11)
    for index in 0..<200 {
      let row = (0..<3).map { _ in Float(generator.normal()) }
      dataset.append(row, label: index % 5 == 0, group: Int32(index))
    }
    let balanced = try SMOTE.balance(dataset, neighbours: neighbours, seed: 5)
    let minority = (0..<dataset.rowCount).filter { dataset.labels[$0] }.map { Array(dataset.row($0)) }
    let scales = (0..<3).map { column in deviation((0..<dataset.rowCount).map { dataset.values[$0 * 3 + column] }) }
    for index in dataset.rowCount..<balanced.rowCount {
      let point = Array(balanced.row(index))
      let base = Array(dataset.row(Int(balanced.groups[index])))
      let near = minority.filter { $0 != base }
        .sorted { distance($0, base, scales) < distance($1, base, scales) }
        .prefix(neighbours)
      #expect(near.contains { isBetween(point, base, $0) })
    }
  }

  @Test func oneHotGroupsStayOneHotAndFlagsStayFlags() throws {
    let dataset = SampleData.dataset(rows: 500, groups: 50, seed: 2, missingShare: 0)
    let balanced = try SMOTE.balance(dataset, seed: 1)
    for index in dataset.rowCount..<balanced.rowCount {
      let row = Array(balanced.row(index))
      #expect(row[4...6].reduce(0, +) == 1)
      #expect(row[4...7].allSatisfy { $0 == 0 || $0 == 1 })
    }
  }

  @Test func syntheticRowsMissValuesAsOftenAsRealOnes() throws {
    let dataset = SampleData.dataset(rows: 2000, groups: 50, seed: 2, missingShare: 0.3, illShare: 0.2)
    let balanced = try SMOTE.balance(dataset, seed: 1)
    let synthetic = (dataset.rowCount..<balanced.rowCount).map { balanced.row($0).first ?? 0 }
    let share = Double(synthetic.count(where: \.isNaN)) / Double(synthetic.count)
    #expect(abs(share - 0.3) < 0.05)
  }

  @Test func theSmallerClassMayBeTheNegativeOne() throws {
    let dataset = SampleData.dataset(rows: 400, groups: 50, seed: 3, illShare: 0.8)
    let balanced = try SMOTE.balance(dataset, seed: 1)
    #expect(balanced.positiveCount * 2 == balanced.rowCount)
  }

  @Test func sameSeedGivesTheSameRows() throws {
    let dataset = SampleData.dataset(rows: 700, groups: 50, seed: 4)
    let first = try SMOTE.balance(dataset, seed: 9)
    #expect(first.fingerprint == (try SMOTE.balance(dataset, seed: 9)).fingerprint)
    #expect(first.fingerprint != (try SMOTE.balance(dataset, seed: 10)).fingerprint)
  }

  @Test func oneMinorityRowIsRepeated() throws {
    var dataset = Dataset(features: ["a", "b"])
    for index in 0..<5 {
      dataset.append([Float(index), .nan], label: index == 0, group: Int32(index))
    }
    let balanced = try SMOTE.balance(dataset, seed: 1)
    #expect(balanced.rowCount == 8)
    #expect((5..<8).allSatisfy { balanced.row($0).first == 0 })
  }

  private func sameValues(_ left: ArraySlice<Float>, _ right: ArraySlice<Float>) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { $0.bitPattern == $1.bitPattern }
  }

  private func deviation(_ values: [Float]) -> Float {
    let mean = values.reduce(0, +) / Float(values.count)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)).squareRoot()
  }

  private func distance(_ left: [Float], _ right: [Float], _ scales: [Float]) -> Float {
    zip(zip(left, right), scales).reduce(0) { $0 + pow(($1.0.0 - $1.0.1) / $1.1, 2) }
  }

  private func isBetween(_ point: [Float], _ start: [Float], _ end: [Float]) -> Bool {
    let spans = zip(start, end).map { $1 - $0 }
    guard let widest = spans.indices.max(by: { abs(spans[$0]) < abs(spans[$1]) }), spans[widest] != 0 else {
      return point == start
    }
    let share = (point[widest] - start[widest]) / spans[widest]
    return share > -1e-4 && share < 1 + 1e-4
      && point.indices.allSatisfy { abs(start[$0] + share * spans[$0] - point[$0]) < 1e-4 }
  }
}
