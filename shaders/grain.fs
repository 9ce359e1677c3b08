/*{
    "DESCRIPTION": "Film: grain, a darker edge, blacks that are not quite black.",
    "CREDIT": "DanceNet live",
    "ISFVSN": "2",
    "CATEGORIES": ["Film", "Color Effect"],
    "INPUTS": [
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "amount", "LABEL": "Grain", "TYPE": "float", "DEFAULT": 0.4, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "vignette", "LABEL": "Vignette", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "fade", "LABEL": "Faded blacks", "TYPE": "float", "DEFAULT": 0.2, "MIN": 0.0, "MAX": 1.0}
    ],
    "DANCENET": {"PLACE": 90}
}*/

// 0..1, another one for every grain and every frame of the film.
float hash(vec2 grain, float frame) {
    vec2 h = fract(grain * vec2(0.1731, 0.2917) + frame * vec2(0.6180, 0.4142));
    h += dot(h, h.yx + 31.37);
    return fract((h.x + h.y) * (h.x + 3.71) * 5.13);
}

void main() {
    vec4 source = IMG_THIS_PIXEL(inputImage);
    vec2 p = isf_FragNormCoord - 0.5;
    // The film runs at 24 frames a second, whatever the screen does; its grains are as large at any size.
    float frame = floor(fract(TIME / 32.0) * 768.0) / 768.0;
    vec2 grain = floor(gl_FragCoord.xy * max(1.0, 900.0 / RENDERSIZE.y) );
    if (RENDERSIZE.y > 1500.0) grain = floor(gl_FragCoord.xy * 1080.0 / RENDERSIZE.y);
    float noise = hash(grain, frame * 97.0) + hash(grain + 57.0, frame * 61.0) - 1.0;
    vec3 colour = source.rgb;
    colour = mix(colour, vec3(0.050, 0.045, 0.070) + colour * 0.93, fade);
    // Most in the middle tones, as silver has it.
    float light = dot(colour, vec3(0.30, 0.59, 0.11));
    colour += noise * amount * 0.16 * (0.28 + light * (1.3 - 1.2 * light));
    float edge = dot(p, p) * 2.0;
    colour *= 1.0 - vignette * edge * (0.55 + 0.9 * edge);
    gl_FragColor = vec4(colour, fade > 0.0 || amount > 0.0 ? 1.0 : source.a);
}
