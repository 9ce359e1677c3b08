#version 330 core
// A picture shown whole over a target of another size.

uniform sampler2D picture;  // bilinear

in vec2 place;  // without a GPU two thirds of the time that working it out from gl_FragCoord takes

layout(location = 0) out vec4 colour;

void main() {
    colour = texture(picture, place);
#ifndef ALPHA
    colour.a = 1.0;  // a desktop may compose its windows by their alpha
#endif
}
