-- Which of a patient's recorded conditions are diseases, and from which day to which they were active.
--
-- Synthea writes SNOMED CT descriptions. Newer ones end in their semantic tag, "Sepsis (disorder)" or "Stress (finding)";
-- older ones often carry none: "Hypertension", "Normal pregnancy". The rule:
--   * the tag says disorder: a disease;
--   * any other tag (finding, situation, person, …; also one that was cut off before its last parenthesis): not one;
--   * no tag: a disease, unless SNOMED CT files the code elsewhere. Those codes are listed here.
--
-- A disease is active from its onset up to the day before it resolved, at least on the day of its onset. Synthea
-- leaves some acute diseases without an end; those end after 90 days, the longest usual wash-out of acute disease.
CREATE TEMPORARY VIEW illness_conditions AS
SELECT
  patient,
  code,
  CAST(start AS DATE) AS onset,
  CASE
    WHEN stop IS NOT NULL THEN greatest(CAST(stop AS DATE), date_add(CAST(start AS DATE), 1))
    WHEN code IN (
      '19169002',   -- Miscarriage in first trimester
      '22298006',   -- Myocardial infarction
      '230690007',  -- Stroke
      '398254007',  -- Preeclampsia
      '198992004',  -- Antepartum eclampsia
      '410429000',  -- Cardiac arrest
      '44465007',   -- Sprain of ankle
      '47693006',   -- Rupture of appendix
      '55680006',   -- Drug overdose
      '65363002',   -- Otitis media
      '67782005',   -- Acute respiratory distress syndrome
      '74400008',   -- Appendicitis
      '76571007',   -- Septic shock
      '91302008')   -- Sepsis
      THEN date_add(CAST(start AS DATE), 90)
  END AS resolved
FROM synthea_conditions
WHERE
  start IS NOT NULL
  AND (
    regexp_like(description, '[(]disorder[)]? *$')
    OR (
      NOT regexp_like(description, '[(][a-z /]+[)]? *$')
      AND code NOT IN (
        '72892002',   -- Normal pregnancy (finding)
        '15777000',   -- Prediabetes (finding)
        '714628002',  -- Prediabetes (finding)
        '82423001',   -- Chronic pain (finding)
        '840544004',  -- Suspected COVID-19 (situation)
        '162573006',  -- Suspected lung cancer (situation)
        '162864005',  -- Body mass index 30+ - obesity (finding)
        '408512008',  -- Body mass index 40+ - severely obese (finding)
        '449868002',  -- Smokes tobacco daily (finding)
        '22253000',   -- Pain (finding)
        '25064002',   -- Headache (finding)
        '386661006',  -- Fever (finding)
        '49727002',   -- Cough (finding)
        '84229001',   -- Fatigue (finding)
        '399211009',  -- History of myocardial infarction (situation)
        '428251008',  -- History of appendectomy (situation)
        '429007001',  -- History of cardiac arrest (situation)
        '703151001')  -- History of single seizure (situation)
    )
  );
