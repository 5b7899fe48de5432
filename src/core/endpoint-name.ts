/** An endpoint's name; one of digits alone would be a port, one with a colon or a dot a URL or a host. */
export const ENDPOINT_NAME = /^(?!\d+$)[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
