import { Hono } from "hono";

/** Greet the name in the path. */
export const app = new Hono();

app.get("/:name", (context) => context.text(`hello ${context.req.param("name")}`));
