// Answers pairs of attributes and a condition of GrowthBook, a list of them on standard input.
const { evalCondition } = require("@growthbook/growthbook");
const pairs = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.error = () => {};
const answers = pairs.map(([attributes, condition]) => evalCondition(attributes, condition, {}));
process.stdout.write(JSON.stringify(answers));
