"""Asks the BigQuery emulator with Google's own client. usage: bigquery_emulator.py ADDRESS PROJECT SQL; prints JSON rows."""
import json, sys

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

address, project, sql = sys.argv[1:4]
client = bigquery.Client(
    project=project, credentials=AnonymousCredentials(), client_options={"api_endpoint": address})
print(json.dumps([list(row.values()) for row in client.query(sql).result()], default=str))
