// Write the page to dist, with the styles in it.
const fs = require("node:fs");

const page = fs.readFileSync("src/index.html", "utf8");
const styles = fs.readFileSync("src/style.css", "utf8");
fs.mkdirSync("dist", { recursive: true });
fs.writeFileSync("dist/index.html", page.replace("/* styles */", styles.trim()));
