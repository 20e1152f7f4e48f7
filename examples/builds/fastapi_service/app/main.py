"""The colors, by their names."""

from fastapi import FastAPI, HTTPException

COLORS = {"blue": "#0000ff", "green": "#008000", "red": "#ff0000"}

app = FastAPI(title="Colors")


@app.get("/colors/{name}")
def color(name: str) -> dict[str, str]:
    """Look up a color."""
    if name not in COLORS:
        raise HTTPException(404, f"no color {name}")
    return {"name": name, "value": COLORS[name]}
