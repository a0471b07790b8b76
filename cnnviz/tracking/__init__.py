"""What other tools read of runs, and what runs read of them: TensorBoard, MLflow, model cards. No TensorFlow here."""
