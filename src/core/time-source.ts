/** Where time comes from: one clock says when something was, the other how long something takes. */
export interface TimeSource {
  /** ms since the epoch, for what is recorded and shown. It may be set back or forward at any moment. */
  now(): number;
  /** ms since some moment, for spans: pauses, deadlines, what is good for a while. It never goes back (fault G18). */
  elapsed(): number;
}
