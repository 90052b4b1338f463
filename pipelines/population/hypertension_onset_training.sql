SELECT * FROM onset_rows WHERE disease = 'hypertension'
