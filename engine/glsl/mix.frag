#version 330 core
// One picture as far as it goes over into another, of the same size.

uniform sampler2D picture;
uniform sampler2D other;
uniform float share;       // of the other, 0..1

layout(location = 0) out vec4 colour;

void main() {
    ivec2 place = ivec2(gl_FragCoord.xy);
    colour = mix(texelFetch(picture, place, 0), texelFetch(other, place, 0), share);
}
