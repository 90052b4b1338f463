-- Messages that can be read, each once. lakeward run makes patients, encounters and observations of them.
CREATE STREAMING TABLE silver_hl7_messages
COMMENT 'One row per HL7 v2 message; unreadable ones are in quarantine_hl7_messages'
AS
SELECT
  sender,
  control_id,
  sent_at,
  message_type,
  trigger_event,
  message,
  fault,
  _ingest_time AS ingest_time,
  _source AS source,
  _partition AS "partition",
  _offset AS "offset"
FROM STREAM(hl7_messages);
