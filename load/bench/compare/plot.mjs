export function plot() { return ''; }
