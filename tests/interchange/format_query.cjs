// Writes the SQL of each query of react-querybuilder that comes as JSON, one list on standard input.
const { formatQuery } = require("@react-querybuilder/core");
const queries = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const sql = queries.map((query) => formatQuery(query, { format: "sql", parseNumbers: "native" }));
process.stdout.write(JSON.stringify(sql));
