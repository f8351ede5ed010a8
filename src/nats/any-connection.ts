/** The members of a connection, of either client library, that are read from outside. */
export interface AnyConnection {
  status(): AsyncIterable<{ readonly type: string }>;
  closed(): Promise<unknown>;
  isClosed(): boolean;
  isDraining(): boolean;
  getServer(): string;
  flush(): Promise<void>;
  stats(): {
    readonly inMsgs: number;
    readonly outMsgs: number;
    readonly inBytes: number;
    readonly outBytes: number;
  };
  readonly info?:
    | {
        readonly server_id: string;
        readonly server_name: string;
        readonly version: string;
        readonly cluster?: string | undefined;
      }
    | undefined;
}
