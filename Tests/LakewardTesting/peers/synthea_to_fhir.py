"""Writes the patients of a Synthea CSV export as FHIR R4 transaction bundles, one file for each patient.

Usage: synthea_to_fhir.py CSV_FOLDER TARGET_FOLDER

References are urn:uuid:, instants have an offset other than UTC, blood pressure is one panel with two components, a
medication's reason is a reference where the patient has the condition: as exporters of FHIR do.
"""
import csv
import datetime
import json
import os
import sys
import uuid

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
RXNORM, CVX = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/cvx"
CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
RACES = {"white": "2106-3", "black": "2054-5", "asian": "2028-9", "native": "1002-5", "hawaiian": "2076-8",
         "other": "2131-1"}
CLASSES = {"emergency": "EMER", "inpatient": "IMP", "virtual": "VR", "home": "HH"}
EASTERN = datetime.timezone(datetime.timedelta(hours=-5))


def rows(folder, name):
    with open(os.path.join(folder, name + ".csv"), newline="", encoding="utf-8") as file:
        return [{k.upper(): v for k, v in row.items()} for row in csv.DictReader(file)]


def instant(text):
    if not text:
        return None
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(EASTERN).isoformat()


def ref(identifier):
    return {"reference": "urn:uuid:" + identifier} if identifier else None


def concept(system, code, display):
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def reason(row, known):
    if not row["REASONCODE"]:
        return {}
    found = known.get((row["PATIENT"], row["REASONCODE"]))
    if found:
        return {"reasonReference": [ref(found)]}
    return {"reasonCode": [concept(SNOMED, row["REASONCODE"], row["REASONDESCRIPTION"])]}


def name_of(kind, index):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{index}"))


def patient(row):
    resource = {
        "resourceType": "Patient", "id": row["ID"], "gender": {"F": "female", "M": "male"}[row["GENDER"]],
        "birthDate": row["BIRTHDATE"], "deceasedDateTime": row["DEATHDATE"] and row["DEATHDATE"] + "T12:00:00-05:00",
        "name": [{"use": "official", "family": row["LAST"], "given": [row["FIRST"]]}],
        "address": [{
            "line": [row["ADDRESS"]], "city": row["CITY"], "state": row["STATE"], "district": row["COUNTY"],
            "postalCode": row["ZIP"], "extension": [{
                "url": "http://hl7.org/fhir/StructureDefinition/geolocation", "extension": [
                    {"url": "latitude", "valueDecimal": float(row["LAT"])},
                    {"url": "longitude", "valueDecimal": float(row["LON"])}]}]}],
        "extension": [
            {"url": CORE + "race", "extension": [
                {"url": "ombCategory", "valueCoding": {"code": RACES[row["RACE"]]}}, {"url": "text", "valueString": "x"}]},
            {"url": CORE + "ethnicity", "extension": [{"url": "ombCategory", "valueCoding": {
                "code": "2135-2" if row["ETHNICITY"] == "hispanic" else "2186-5"}}]}],
    }
    if row["MARITAL"]:
        resource["maritalStatus"] = {"coding": [{"code": row["MARITAL"]}]}
    return resource


def observations(found):
    panels = {}
    for index, row in enumerate(found):
        is_pressure = row["CODE"] in ("8480-6", "8462-4")
        key = (row["PATIENT"], row["ENCOUNTER"], row["DATE"]) if is_pressure else index
        panels.setdefault(key, []).append(row)
    for index, members in enumerate(panels.values()):
        first = members[0]
        values = []
        for row in members:
            entry = {"code": concept(LOINC, row["CODE"], row["DESCRIPTION"])}
            if row["TYPE"] == "numeric":
                entry["valueQuantity"] = {"value": float(row["VALUE"]), "unit": row["UNITS"], "code": row["UNITS"]}
            else:
                entry["valueCodeableConcept"] = {"text": row["VALUE"]}
            values.append(entry)
        resource = {
            "resourceType": "Observation", "id": name_of("Observation", index), "status": "final",
            "subject": ref(first["PATIENT"]), "encounter": ref(first["ENCOUNTER"]),
            "effectiveDateTime": instant(first["DATE"])}
        if first.get("CATEGORY"):
            resource["category"] = [{"coding": [{"code": first["CATEGORY"]}]}]
        if len(values) == 1:
            resource.update(values[0])
        else:
            resource.update(code=concept(LOINC, "85354-9", "Blood pressure panel"), component=values)
        yield first["PATIENT"], resource


def facts(folder):
    known = {}
    for index, row in enumerate(rows(folder, "conditions")):
        identifier = name_of("Condition", index)
        known[(row["PATIENT"], row["CODE"])] = identifier
        yield row["PATIENT"], {
            "resourceType": "Condition", "id": identifier, "subject": ref(row["PATIENT"]),
            "encounter": ref(row["ENCOUNTER"]), "onsetDateTime": row["START"] + "T09:30:00-05:00",
            "abatementDateTime": row["STOP"] and row["STOP"] + "T09:30:00-05:00",
            "code": concept(SNOMED, row["CODE"], row["DESCRIPTION"])}
    for row in rows(folder, "encounters"):
        yield row["PATIENT"], {
            "resourceType": "Encounter", "id": row["ID"], "status": "finished", "subject": ref(row["PATIENT"]),
            "class": {"code": CLASSES.get(row["ENCOUNTERCLASS"], "AMB")},
            "type": [concept(SNOMED, row["CODE"], row["DESCRIPTION"])],
            "period": {"start": instant(row["START"]), "end": instant(row["STOP"])},
            "serviceProvider": ref(row["ORGANIZATION"]),
            "participant": [{"individual": ref(row["PROVIDER"])}], **reason(row, known)}
    for index, row in enumerate(rows(folder, "medications")):
        resource = {
            "resourceType": "MedicationRequest", "id": name_of("MedicationRequest", index), "intent": "order",
            "status": "stopped" if row["STOP"] else "active", "subject": ref(row["PATIENT"]),
            "encounter": ref(row["ENCOUNTER"]), "authoredOn": instant(row["START"]),
            "medicationCodeableConcept": concept(RXNORM, row["CODE"], row["DESCRIPTION"]), **reason(row, known)}
        if row["STOP"]:
            resource["dispenseRequest"] = {"validityPeriod": {"end": instant(row["STOP"])}}
        yield row["PATIENT"], resource
    yield from observations(rows(folder, "observations"))
    for index, row in enumerate(rows(folder, "procedures")):
        yield row["PATIENT"], {
            "resourceType": "Procedure", "id": name_of("Procedure", index), "status": "completed",
            "subject": ref(row["PATIENT"]), "encounter": ref(row["ENCOUNTER"]),
            "code": concept(SNOMED, row["CODE"], row["DESCRIPTION"]),
            "performedPeriod": {"start": instant(row["START"]), "end": instant(row["STOP"])}, **reason(row, known)}
    for index, row in enumerate(rows(folder, "immunizations")):
        yield row["PATIENT"], {
            "resourceType": "Immunization", "id": name_of("Immunization", index), "status": "completed",
            "patient": ref(row["PATIENT"]), "encounter": ref(row["ENCOUNTER"]),
            "vaccineCode": concept(CVX, row["CODE"], row["DESCRIPTION"]), "occurrenceDateTime": instant(row["DATE"])}
    for index, row in enumerate(rows(folder, "allergies")):
        reactions = []
        for number in ("1", "2"):
            if row["REACTION" + number]:
                reactions.append({
                    "manifestation": [concept(SNOMED, row["REACTION" + number], row["DESCRIPTION" + number])],
                    "severity": row["SEVERITY" + number].lower() or None})
        yield row["PATIENT"], {
            "resourceType": "AllergyIntolerance", "id": name_of("AllergyIntolerance", index), "type": row["TYPE"],
            "category": [row["CATEGORY"]], "patient": ref(row["PATIENT"]), "encounter": ref(row["ENCOUNTER"]),
            "code": concept({"SNOMED-CT": SNOMED, "RxNorm": RXNORM}.get(row["SYSTEM"], "urn:x"), row["CODE"],
                            row["DESCRIPTION"]),
            "recordedDate": row["START"], "reaction": reactions}
    for row in rows(folder, "careplans"):
        found = known.get((row["PATIENT"], row["REASONCODE"]))
        yield row["PATIENT"], {
            "resourceType": "CarePlan", "id": row["ID"], "status": "active", "intent": "order",
            "subject": ref(row["PATIENT"]), "encounter": ref(row["ENCOUNTER"]),
            "category": [{"coding": [{"system": "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
                                      "code": "assess-plan"}]}, concept(SNOMED, row["CODE"], row["DESCRIPTION"])],
            "period": {"start": row["START"], "end": row["STOP"] or None},
            "addresses": [ref(found)] if found else []}
    for row in rows(folder, "claims"):
        yield row["PATIENTID"], {
            "resourceType": "Claim", "id": row["ID"], "status": "active", "use": "claim",
            "type": {"coding": [{"code": {"1": "professional", "2": "institutional"}.get(row["HEALTHCARECLAIMTYPEID1"], "oral")}]}, "patient": ref(row["PATIENTID"]),
            "provider": ref(row["PROVIDERID"]),
            "insurer": None if row["PRIMARYPATIENTINSURANCEID"] == "0" else ref(row["PRIMARYPATIENTINSURANCEID"]),
            "item": [{"encounter": [ref(row["APPOINTMENTID"])]}],
            "billablePeriod": {"start": instant(row["SERVICEDATE"])},
            "diagnosis": [{"diagnosisCodeableConcept": {"coding": [{"code": row["DIAGNOSIS1"]}]}}]
            if row["DIAGNOSIS1"] else []}


def pruned(value):
    if isinstance(value, dict):
        return {k: pruned(v) for k, v in value.items() if v not in (None, "", [])}
    return [pruned(v) for v in value] if isinstance(value, list) else value


def main(source, target):
    bundles = {row["ID"]: [patient(row)] for row in rows(source, "patients")}
    for identifier, resource in facts(source):
        bundles[identifier].append(resource)
    os.makedirs(target, exist_ok=True)
    for identifier, resources in bundles.items():
        # The patient last: the order of entries means nothing.
        entries = [{"fullUrl": "urn:uuid:" + r["id"], "resource": pruned(r),
                    "request": {"method": "POST", "url": r["resourceType"]}} for r in reversed(resources)]
        with open(os.path.join(target, identifier + ".json"), "w", encoding="utf-8") as file:
            json.dump({"resourceType": "Bundle", "type": "transaction", "entry": entries}, file, indent=1)


main(sys.argv[1], sys.argv[2])
