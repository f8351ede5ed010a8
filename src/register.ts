export * from "./register/main.ts";
