SELECT * FROM onset_rows WHERE disease = 'diabetes'
