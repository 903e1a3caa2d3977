"""HTTP. One file per resource; each route asks who it is, calls one function below, and shows what came of it."""
