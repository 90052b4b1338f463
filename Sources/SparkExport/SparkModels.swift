/// The Python file that makes models functions of SQL, over whole vectors, by XGBoost's own library.
enum SparkModels {
  static func text(_ models: [SparkProject.Model]) -> String {
    let entries = models.sorted { $0.name < $1.name }.map { model in
      """
          \(SparkSource.quote(model.name)): {
              "version": \(SparkSource.quote(model.version)),
              "features": [\(model.features.map(SparkSource.quote).joined(separator: ", "))],
              "classes": [\(model.classes.map(SparkSource.quote).joined(separator: ", "))],
              "threshold": \(model.threshold),
          },
      """
    }
    return """
      \"\"\"The models of this pipeline as functions of SQL: predict_NAME, explain_NAME, model_version, model_threshold.\"\"\"

      import pathlib

      import pandas
      from pyspark.sql import SparkSession, functions as f

      MODELS = {
      \(entries.joined(separator: "\n"))
      }
      FOLDER = str(pathlib.Path(__file__).resolve().parent.parent / "models")
      spark = SparkSession.active()


      def register(name, function):
          # SparkSession.udf.register is closed inside a pipeline; the session takes functions all the same.
          spark._client.register_udf(function.func, function.returnType, name, function.evalType, True)


      def functions(name, model, folder):
          loaded = {}

          def booster():
              # Loaded once in each worker.
              if name not in loaded:
                  import xgboost

                  loaded[name] = xgboost.Booster(model_file=f"{folder}/{name}.ubj")
                  loaded[name].set_param({"nthread": 1})
              return loaded[name]

          def answers(columns, **options):
              import numpy
              import xgboost

              rows = numpy.column_stack([column.astype("float64") for column in columns]).astype("float32")
              matrix = xgboost.DMatrix(rows, missing=float("nan"))
              return booster().predict(matrix, validate_features=False, **options).astype("float64")

          def probability(*columns: pandas.Series) -> pandas.Series:
              return pandas.Series(answers(columns))

          def classes(*columns: pandas.Series) -> pandas.DataFrame:
              values = answers(columns)
              result = {"label": [model["classes"][i] for i in values.argmax(axis=1)], "probability": values.max(axis=1)}
              result.update({label: values[:, i] for i, label in enumerate(model["classes"])})
              return pandas.DataFrame(result)

          def explanation(*columns: pandas.Series) -> pandas.Series:
              parts = answers(columns, pred_contribs=True)
              if model["classes"]:
                  # What speaks for the class that was chosen.
                  best = answers(columns).argmax(axis=1)
                  parts = parts[range(len(best)), best]
              texts = []
              for row in parts:
                  largest = sorted(zip(row[:-1], model["features"]), key=lambda pair: -abs(pair[0]))[:3]
                  texts.append(", ".join(f"{feature} {value:+.3f}" for value, feature in largest if value))
              return pandas.Series(texts)

          explain = f.pandas_udf(explanation, "string")
          if not model["classes"]:
              return {"predict": f.pandas_udf(probability, "double"), "explain": explain}
          fields = ", ".join(f"`{label}` double" for label in model["classes"])
          return {"predict": f.pandas_udf(classes, f"label string, probability double, {fields}"), "explain": explain}


      for model_name, model_facts in MODELS.items():
          for word, function in functions(model_name, model_facts, FOLDER).items():
              register(f"{word}_{model_name}", function)

      versions = {name: model["version"] for name, model in MODELS.items()}
      thresholds = {name: model["threshold"] for name, model in MODELS.items()}
      register("model_version", f.udf(lambda name: versions[name], "string"))
      register("model_threshold", f.udf(lambda name: thresholds[name], "double"))

      """
  }
}
