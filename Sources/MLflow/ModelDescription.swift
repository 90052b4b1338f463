internal import Foundation
internal import Models

/// The files that make a folder an MLflow model: `MLmodel` with the flavours `xgboost` and `python_function`, and what
/// a Python environment needs to load it.
struct ModelDescription {
  let card: ModelCard
  /// The run that the model belongs to.
  let run: String
  /// The model's file in the folder.
  let file: String
  /// "3.2.0" of "XGBoost 3.2.0".
  let libraryVersion: String

  init(card: ModelCard, run: String, file: String) {
    self.card = card
    self.run = run
    self.file = file
    let last = card.library.split(separator: " ").last.map(String.init) ?? ""
    libraryVersion = last.first?.isNumber == true ? last : "3.2.0"
  }

  /// Every file by name.
  var files: [String: String] {
    [
      "MLmodel": mlmodel, "requirements.txt": requirements, "python_env.yaml": pythonEnvironment,
      "conda.yaml": condaEnvironment,
    ]
  }

  private static let python = "3.11"

  private var mlmodel: String {
    // JSON is YAML; MLflow wants the signature's columns as JSON in a text.
    let inputs = card.features.map { "{\"type\": \"float\", \"name\": \"\($0)\", \"required\": false}" }
      .joined(separator: ", ")
    return """
      artifact_path: model
      flavors:
        python_function:
          data: \(file)
          env:
            conda: conda.yaml
            virtualenv: python_env.yaml
          loader_module: mlflow.xgboost
          python_version: '\(Self.python)'
        xgboost:
          code: null
          data: \(file)
          model_class: xgboost.core.Booster
          model_format: ubj
          xgb_version: \(libraryVersion)
      run_id: \(run)
      signature:
        inputs: '[\(inputs)]'
        outputs: null
        params: null
      utc_time_created: '\(card.createdAt.isEmpty ? "1970-01-01 00:00:00" : card.createdAt.prefix(19).replacing("T", with: " "))'

      """
  }

  private var requirements: String { "mlflow\nnumpy\npandas\nscipy\nxgboost==\(libraryVersion)\n" }

  private var pythonEnvironment: String {
    "python: '\(Self.python)'\nbuild_dependencies:\n- pip\n- setuptools\n- wheel\ndependencies:\n- -r requirements.txt\n"
  }

  private var condaEnvironment: String {
    """
    name: lakeward-model
    channels:
    - conda-forge
    dependencies:
    - python=\(Self.python)
    - pip
    - pip:
      - mlflow
      - numpy
      - pandas
      - scipy
      - xgboost==\(libraryVersion)

    """
  }
}
