import assert from "node:assert/strict";
import { test } from "node:test";

import { app } from "./app.js";

test("the name in the path is greeted", async () => {
  const answer = await app.request("/ann");
  assert.equal(await answer.text(), "hello ann");
});
