import { startFromEnvironment } from "./start.ts";

// Loading the entry is what starts it: `node --import dialtrace/register`.
startFromEnvironment(process.env);
