"""The worker's side: the only room that knows tasker_core. A dispatch goes in, an ending comes out."""
