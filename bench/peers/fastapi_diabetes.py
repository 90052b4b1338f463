"""The usual way to serve a model: FastAPI, pydantic and a scikit-learn forest. Started by bench/api."""

import csv
import sys

import numpy
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field
from sklearn.ensemble import RandomForestClassifier

FEATURES = ["pregnancies", "glucose", "blood_pressure", "skin_thickness", "insulin", "bmi",
            "diabetes_pedigree_function", "age"]


class Record(BaseModel):
    pregnancies: float = Field(ge=0, le=30)
    glucose: float = Field(ge=0, le=2000)
    blood_pressure: float = Field(ge=0, le=200)
    skin_thickness: float = Field(ge=0, le=150)
    insulin: float = Field(ge=0, le=3000)
    bmi: float = Field(ge=0, le=120)
    diabetes_pedigree_function: float = Field(ge=0, le=10)
    age: float = Field(ge=0, le=120)


def main():
    rows = list(csv.DictReader(open(sys.argv[1])))
    x = numpy.array([[float(row[name]) for name in FEATURES] for row in rows], dtype=numpy.float32)
    y = numpy.array([int(row["outcome"]) for row in rows])
    model = RandomForestClassifier(n_estimators=100, max_depth=8, random_state=42).fit(x, y)
    app = FastAPI()

    def row(record):
        return [getattr(record, name) for name in FEATURES]

    def risk(value):
        return "High" if value >= 0.5 else "Medium" if value >= 0.25 else "Low"

    @app.post("/predict")
    def predict(record: Record):
        value = float(model.predict_proba(numpy.array([row(record)], dtype=numpy.float32))[0, 1])
        return {"model": "diabetes", "probability": value, "prediction": int(value >= 0.5), "risk": risk(value)}

    @app.post("/predict_batch")
    def predict_batch(records: list[Record]):
        values = model.predict_proba(numpy.array([row(each) for each in records], dtype=numpy.float32))[:, 1]
        return {"results": [{"probability": float(value), "risk": risk(value)} for value in values]}

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
